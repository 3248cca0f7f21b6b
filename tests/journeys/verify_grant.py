"""Verifies a grant offline with PyJWT, as a login or an operation service would; the time is given.

Reads {jwks, grant, audience, issuer, now_s, purpose, session_id?, operation?, resource?} and prints the claims, or
"refused: WHY" with exit code 1.
"""

import json
import sys

import jwt
from jwt.algorithms import OKPAlgorithm

asked = json.load(sys.stdin)


def refuse(why):
    print(f"refused: {why}")
    sys.exit(1)


try:
    header = jwt.get_unverified_header(asked["grant"])
    if header.get("typ") != "countersign-grant+jwt":
        refuse("typ")
    keys = {key["kid"]: key for key in asked["jwks"]["keys"] if key["use"] == "sig"}
    if header.get("kid") not in keys:
        refuse("kid")
    key = OKPAlgorithm.from_jwk(json.dumps(keys[header["kid"]]))
    claims = jwt.decode(
        asked["grant"],
        key,
        algorithms=["EdDSA"],
        audience=asked["audience"],
        issuer=asked["issuer"],
        # The story's time is not this machine's.
        options={"require": ["exp", "iat", "jti", "sub"], "verify_exp": False, "verify_iat": False},
    )
except jwt.PyJWTError as error:
    refuse(type(error).__name__)

if not claims["iat"] <= asked["now_s"] < claims["exp"]:
    refuse("expired")
if claims["purpose"] != asked["purpose"]:
    refuse("purpose")
if claims.get("sid") != asked.get("session_id"):
    refuse("session")
for claim, field in [("op", "operation"), ("res", "resource")]:
    if claim in claims and claims[claim] != asked.get(field):
        refuse(field)
print(json.dumps(claims))
