"""A login service: password, then whatever Countersign asks for, then a grant that is verified here, offline.

    python3 login_service.py http://127.0.0.1:8700 KEY_FILE PORT       (the key has the role verify)

It takes PyJWT and cryptography: on Debian python3-jwt and python3-cryptography, with /usr/bin/python3.

POST /login {user, password, grant?} -> {challenge, methods}, or {session} with a grant or where nothing is asked
POST /login/answer {user, challenge, method, code} -> {session}
"""

import json
import secrets
import sys
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if len(sys.argv) != 4:
    sys.exit(__doc__)

import jwt

SERVER, KEY_FILE, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
API_KEY = open(KEY_FILE).read().strip()
PASSWORDS = {"alice": "correct horse"}
KEYS = jwt.PyJWKClient(f"{SERVER}/.well-known/jwks.json")  # fetches again when a kid is new
SESSIONS, SPENT = {}, set()


def ask(path, body):
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(SERVER + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def session_of(grant, user):
    """A grant of this user's login, and of nothing else, opens one session."""
    if jwt.get_unverified_header(grant).get("typ") != "countersign-grant+jwt":
        raise jwt.InvalidTokenError("typ")
    key = KEYS.get_signing_key_from_jwt(grant).key
    claims = jwt.decode(grant, key, algorithms=["EdDSA"], audience="countersign", issuer="countersign", leeway=60,
                        options={"require": ["exp", "jti", "aud", "iss"]})
    if claims["purpose"] != "login":
        raise jwt.InvalidTokenError("purpose")
    if (claims["account"], claims["user"]) != ("acme", user):
        raise jwt.InvalidTokenError("account")
    if claims["jti"] in SPENT:
        raise jwt.InvalidTokenError("used")
    SPENT.add(claims["jti"])
    session = secrets.token_urlsafe(32)
    SESSIONS[session] = user
    return {"session": session}


class Login(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, answer = self.login(body) if self.path == "/login" else self.answer(body)
        except (jwt.PyJWTError, KeyError, OSError) as error:  # no answer, and every doubt, is a no
            status, answer = 403, {"refused": f"{type(error).__name__}: {error}"}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def login(self, body):
        if not secrets.compare_digest(PASSWORDS.get(body["user"], ""), body["password"]):
            return 403, {"refused": "password"}
        if "grant" in body:
            return 200, session_of(body["grant"], body["user"])
        told = ask("/v1/challenges", {"account": "acme", "user": body["user"], "purpose": "login",
                                      "first_factor": {"method": "password"}, "client": {"ip": self.client_address[0]}})
        if told["decision"] == "challenge":
            return 401, {"challenge": told["id"], "methods": told["methods"]}
        return (200, session_of(told["grant"], body["user"])) if told["decision"] == "allow" else (403, {"refused": told["ground"]})

    def answer(self, body):
        challenge = urllib.parse.quote(body["challenge"], safe="")
        told = ask(f"/v1/challenges/{challenge}/answer", {"method": body["method"], "code": body["code"]})
        return (200, session_of(told["grant"], body["user"])) if told["decision"] == "allow" else (401, {"again": True})


ThreadingHTTPServer(("127.0.0.1", PORT), Login).serve_forever()
