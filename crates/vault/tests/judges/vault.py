"""Reads a vault with other people's cryptography, following src/manual/vault_format.md and nothing else.

    python3 vault.py read FILE --passphrase-file FILE | --key-file FILE      prints what is in it as JSON
    python3 vault.py write-newer FILE                                        the golden file of a later version
"""
import argparse, hashlib, hmac, json, struct
from pathlib import Path

import argon2.low_level
from nacl import bindings

MAGIC = b"\x93CSVAULT"
KEY_FILE = b"0123456789abcdef0123456789abcdef01234567"


def hkdf(key_material, salt, info):
    pseudorandom = hmac.digest(salt, key_material, "sha256")
    return hmac.digest(pseudorandom, info + b"\x01", "sha256")


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "cut off"
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")


def slot_key(kind, parameters, salt, secret):
    if kind == 1:
        memory, passes, lanes = struct.unpack("<III", parameters)
        return argon2.low_level.hash_secret_raw(
            secret, salt, time_cost=passes, memory_cost=memory, parallelism=lanes, hash_len=32,
            type=argon2.low_level.Type.ID)
    return hkdf(secret, salt, {2: b"countersign/vault/key file/1", 3: b"countersign/vault/keyring/1"}[kind])


def aead_open(ciphertext, nonce, key, header):
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(ciphertext, header, nonce, key)


def aead_seal(plain, nonce, key, header):
    return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, header, nonce, key)


def records(data):
    reader = Reader(data)
    while reader.at < len(data):
        tag = reader.number(2)
        yield tag, reader.take(reader.number(4))


def read(data, kind_wanted, secret):
    assert data[:8] == MAGIC and hashlib.sha256(data[:-32]).digest() == data[-32:]
    reader = Reader(data[:-32])
    reader.take(8)
    assert reader.number(2) == 1
    vault_id = reader.take(16)
    fixed = data[:reader.at]
    data_key, slots = None, []
    for _ in range(reader.number(1)):
        start = reader.at
        kind = reader.number(1)
        label = reader.take(reader.number(1)).decode()
        body = Reader(reader.take(reader.number(2)))
        slots.append({"kind": kind, "label": label})
        if kind not in (1, 2, 3):
            continue
        parameters = body.take(12) if kind == 1 else b""
        salt = body.take(16)
        described = data[start:reader.at - 24 - 48]
        nonce, wrapped = body.take(24), body.take(48)
        if kind == kind_wanted:
            key = slot_key(kind, parameters, salt, secret)
            data_key = aead_open(wrapped, nonce, key, fixed + described)
    header = data[:reader.at]
    mac = hmac.digest(hkdf(data_key, vault_id, b"countersign/vault/header/1"), header, "sha256")
    assert mac == reader.take(32), "the header's MAC"
    nonce = reader.take(24)
    key = hkdf(data_key, vault_id, b"countersign/vault/contents/1")
    contents = aead_open(reader.take(len(reader.data) - reader.at), nonce, key, fixed)
    assert contents[:2] == b"\x01\x00"
    entries = []
    numbers = {1: "id", 2: "kind", 4: "algorithm", 5: "digits", 6: "period_s", 7: "counter", 13: "uses", 14: "last_used_s"}
    for tag, value in records(contents[2:]):
        if tag == 1:
            entry = {}
            for tag, value in records(value):
                if tag in numbers:
                    entry[numbers[tag]] = int.from_bytes(value, "little")
                elif tag == 3:
                    entry["secret"] = value.hex()
                elif tag in (8, 9, 10):
                    entry[{8: "issuer", 9: "account", 10: "note"}[tag]] = value.decode()
                elif tag == 11:
                    entry.setdefault("groups", []).append(value.decode())
                elif tag == 12:
                    entry["favourite"] = True
                else:
                    entry.setdefault("unknown", []).append([tag, value.hex()])
            entries.append(entry)
        elif tag == 2:
            next_id = int.from_bytes(value, "little")
        else:
            entries.append({"unknown record": tag, "value": value.hex()})
    return {"slots": slots, "next_id": next_id, "entries": entries}


def record(tag, value):
    return struct.pack("<HI", tag, len(value)) + value


def newer():
    vault_id, data_key = bytes(range(16)), bytes(range(100, 132))
    fixed = MAGIC + struct.pack("<H", 1) + vault_id
    unknown = b"opened by a thought"
    slots = struct.pack("<BB", 77, 6) + b"future" + struct.pack("<H", len(unknown)) + unknown
    salt, nonce = bytes([5] * 16), bytes([6] * 24)
    described = struct.pack("<BB", 2, 0) + struct.pack("<H", 16 + 24 + 48) + salt
    slots += described + nonce + aead_seal(data_key, nonce, slot_key(2, b"", salt, KEY_FILE), fixed + described)
    header = fixed + bytes([2]) + slots
    known = (record(1, struct.pack("<Q", 3)) + record(999, b"a picture") + record(2, b"\x01") + record(3, b"12345678901234567890")
             + record(4, b"\x01") + record(5, b"\x06") + record(6, struct.pack("<I", 30)) + record(8, b"Known") + record(9, b"alice"))
    foreign = record(1, struct.pack("<Q", 4)) + record(2, b"\x09") + record(3, b"xyz")
    contents = (struct.pack("<H", 1) + record(2, struct.pack("<Q", 5)) + record(1, foreign) + record(1, known)
                + record(500, b"colours"))
    nonce = bytes([8] * 24)
    file = header + hmac.digest(hkdf(data_key, vault_id, b"countersign/vault/header/1"), header, "sha256")
    file += nonce + aead_seal(contents, nonce, hkdf(data_key, vault_id, b"countersign/vault/contents/1"), fixed)
    return file + hashlib.sha256(file).digest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["read", "write-newer"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--passphrase-file", type=Path)
    parser.add_argument("--key-file", type=Path)
    given = parser.parse_args()
    if given.what == "write-newer":
        given.file.write_bytes(newer())
        return
    kind, secret = (1, given.passphrase_file) if given.passphrase_file else (2, given.key_file)
    print(json.dumps(read(given.file.read_bytes(), kind, secret.read_bytes()), indent=1, ensure_ascii=False))


main()
