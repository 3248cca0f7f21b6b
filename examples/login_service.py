"""A login service: password, then whatever Countersign asks for, then a grant that is verified here, offline.

    python3 login_service.py http://127.0.0.1:8700 KEY_FILE PORT       (the key has the role verify)

It takes PyJWT and cryptography: on Debian python3-jwt and python3-cryptography, with /usr/bin/python3.

POST /login {user, password, grant?} -> {challenge, methods}, or {session} with a grant or where nothing is asked
POST /login/answer {user, challenge, method, code} -> {session}
"""

import json, secrets, sys, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if len(sys.argv) != 4:
    sys.exit(__doc__)

import jwt

SERVER, KEY_FILE, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
API_KEY = open(KEY_FILE).read().strip()
PASSWORDS = {"alice": "correct horse"}
KEYS = jwt.PyJWKClient(f"{SERVER}/.well-known/jwks.json")  # fetches again when a kid is new
CHECKS = {"algorithms": ["EdDSA"], "audience": "countersign", "issuer": "countersign", "leeway": 60}
SESSIONS, SPENT = {}, {}


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
    claims = jwt.decode(grant, key, options={"require": ["exp", "jti", "aud", "iss"]}, **CHECKS)
    for name, value in {"purpose": "login", "account": "acme", "user": user}.items():
        if claims[name] != value:
            raise jwt.InvalidTokenError(name)
    session = secrets.token_urlsafe(32)
    if SPENT.setdefault(claims["jti"], session) != session:  # at once, for two threads may have the same grant
        raise jwt.InvalidTokenError("used")
    SESSIONS[session] = user
    return 200, {"session": session}


class Login(BaseHTTPRequestHandler):
    def do_POST(self):
        try:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = {"/login": self.login, "/login/answer": self.answer}[self.path](**body)
        except Exception as error:  # no answer, and every doubt, is a no
            status, answer = 403, {"refused": f"{type(error).__name__}: {error}"}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def login(self, user, password, grant=None):
        known = PASSWORDS.get(user)  # of nobody, no password is right: the empty one neither
        if known is None or not secrets.compare_digest(known.encode(), password.encode()):
            return 403, {"refused": "password"}
        if grant is not None:
            return session_of(grant, user)
        told = ask("/v1/challenges", {"account": "acme", "user": user, "purpose": "login",
                                      "first_factor": {"method": "password"}, "client": {"ip": self.client_address[0]}})
        if told["decision"] == "challenge":
            return 401, {"challenge": told["id"], "methods": told["methods"]}
        return session_of(told["grant"], user) if told["decision"] == "allow" else (403, {"refused": told["ground"]})

    def answer(self, user, challenge, method, code):
        path = f"/v1/challenges/{urllib.parse.quote(challenge, safe='')}/answer"
        told = ask(path, {"method": method, "code": code})
        return session_of(told["grant"], user) if told["decision"] == "allow" else (401, {"again": True})


ThreadingHTTPServer(("127.0.0.1", PORT), Login).serve_forever()
