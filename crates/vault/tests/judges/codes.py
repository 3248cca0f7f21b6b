"""RFC 4226 and Steam once more. Reads lines of `secret-hex algorithm digits|steam step`, prints the code of each."""
import hmac, sys

STEAM = "23456789BCDFGHJKMNPQRTVWXY"

for line in sys.stdin:
    secret, algorithm, digits, step = line.split()
    tag = hmac.digest(bytes.fromhex(secret), int(step).to_bytes(8, "big"), algorithm.lower())
    offset = tag[-1] & 0xF
    value = int.from_bytes(tag[offset:offset + 4], "big") & 0x7FFFFFFF
    if digits == "steam":
        code = ""
        for _ in range(5):
            value, rest = divmod(value, 26)
            code += STEAM[rest]
        print(code)
    else:
        print(str(value % 10 ** int(digits)).zfill(int(digits)))
