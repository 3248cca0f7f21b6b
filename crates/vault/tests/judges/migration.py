"""Reads `otpauth-migration:` URIs, a line each, from protobuf's description of its wire format; prints each part, then its entries.

    part SIZE INDEX ID
    SECRET-HEX ALGORITHM DIGITS TYPE COUNTER NAME ISSUER        between tabs
"""
import base64, sys
from urllib.parse import parse_qs, urlsplit


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, at = varint(data, at)
        elif wire_type == 2:
            length, at = varint(data, at)
            assert at + length <= len(data), "cut off"
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {wire_type}")
        yield number, value


def signed(value):
    return value - 2 ** 64 if value >= 2 ** 63 else value


for line in sys.stdin:
    uri = urlsplit(line.rstrip("\n"))
    assert (uri.scheme, uri.netloc) == ("otpauth-migration", "offline"), uri.scheme
    part = list(fields(base64.b64decode(parse_qs(uri.query)["data"][0], validate=True)))
    once = dict(part)
    assert once[2] == 1, "version"
    print("part", once[3], once.get(4, 0), signed(once.get(5, 0)))
    for entry in (dict(fields(value)) for number, value in part if number == 1):
        print(entry[1].hex(), {1: "SHA1", 2: "SHA256", 3: "SHA512"}[entry[4]], {1: 6, 2: 8}[entry[5]], {1: "hotp", 2: "totp"}[entry[6]],
              entry.get(7, 0), entry.get(2, b"").decode(), entry.get(3, b"").decode(), sep="\t")
