"""A receiver of notices: it verifies who sent each, when, and in which order, and prints the ones that it acts on.

    python3 webhook_receiver.py SECRET_FILE PORT       (the file has one whsec_… a line: two during a rotation)

401: not signed by us, or not now. 409: older than what is known of its user. 204: taken, or known already: notices are
sent at least once, and a repeat has the id of the first.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

if len(sys.argv) != 3:
    sys.exit(__doc__)

SECRETS = [base64.b64decode(line.strip().removeprefix("whsec_")) for line in open(sys.argv[1]) if line.strip()]
SEEN, NEWEST = {}, {}  # of a real receiver: in its database, in the transaction of what it does about a notice


def is_ours(headers, body):
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    wanted = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode() for secret in SECRETS]
    given = [one.removeprefix("v1,") for one in headers.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(one, other) for one in wanted for other in given)


def judged(headers, body):
    if not is_ours(headers, body):
        return 401
    notice, message_id = json.loads(body), headers["webhook-id"]
    user = notice["data"]["account"], notice["data"]["user"]
    happened = datetime.fromisoformat(notice["timestamp"]).timestamp()
    if message_id in SEEN:
        return 204
    if happened < NEWEST.get(user, 0):
        return 409
    SEEN[message_id], NEWEST[user] = True, happened
    print(json.dumps(notice), flush=True)
    return 204


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.send_response(judged(self.headers, self.rfile.read(length)) if length <= 65536 else 413)
        self.end_headers()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
