"""Writes the sample exports, and beside each what is in it, from the formats' documentation and other people's cryptography.

    pip install argon2-cffi pycryptodome pynacl protobuf pyzipper
    python3 make.py

Nothing here is taken from the importers. The sources: beemdevelopment/Aegis docs/vault.md; twofas' and andOTP's backups as their
apps write them; jamie-mh/AuthenticatorPro doc/BACKUP_FORMAT.md; ente-io/ente docs/auth/migration/export.md; protonpass' export;
FreeOTP's tokens; Bitwarden's help page on import formats, bitwarden/clients libs/importer; freeotp/freeotp-android TokenPersistence,
MasterKey, EncryptedKey, and Java's serialization specification; replydev/cotp src/crypto; Google's migration message as its apps
exchange it.
"""
import base64, csv, hashlib, io, json, struct, subprocess, tempfile, uuid, zipfile
from pathlib import Path
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import argon2.low_level
import pyzipper
from Crypto.Cipher import AES
from Crypto.Hash import HMAC, SHA1, SHA256, SHA512
from Crypto.Protocol.KDF import PBKDF2, scrypt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from nacl import bindings

HERE = Path(__file__).parent
PASSWORD = "correct horse — 正确的马"


def random(count):
    """The same in every run."""
    global counter
    counter += 1
    return hashlib.shake_256(b"countersign samples %d" % counter).digest(count)


counter = 0


class Account:
    def __init__(self, kind, issuer, account, algorithm="SHA1", digits=6, period=30, count=0, length=20, groups=(), note="",
                 favourite=False, uses=0):
        self.kind, self.issuer, self.account = kind, issuer, account
        self.algorithm, self.digits, self.period, self.count = algorithm, digits, period, count
        self.groups, self.note, self.favourite, self.uses = list(groups), note, favourite, uses
        self.secret = hashlib.shake_128(f"{issuer}/{account}".encode()).digest(length)

    def base32(self):
        return base64.b32encode(self.secret).decode().rstrip("=")

    def uri(self, **more):
        query = {"secret": self.base32(), "issuer": self.issuer, "algorithm": self.algorithm, "digits": self.digits}
        if self.kind == "hotp":
            query["counter"] = self.count
        else:
            query["period"] = self.period
        label = quote(f"{self.issuer}:{self.account}", safe="")
        return f"otpauth://{self.kind}/{label}?{urlencode(query | more, quote_via=quote)}"


ACCOUNTS = [
    Account("totp", "Deno", "Mason"),
    Account("totp", "SPDX", "James", "SHA256", 7, 20),
    Account("totp", "Airbnb", "Elijah", "SHA512", 8, 50, length=64),
    Account("hotp", "Issuu", "James", count=1),
    Account("hotp", "Air Canada", "Benjamin", "SHA256", 7, count=50),
    Account("steam", "Boeing", "Sophia", digits=5),
    Account("totp", "工作 & Söhne", "李雷+2@例子.cn", groups=["工作", "work"], note="line one\nline \"two\"", favourite=True, uses=12),
    Account("totp", "Example", "ten bytes", length=10),
]

GROUPS = {(a.issuer, a.account): a.groups for a in ACCOUNTS} | {("Second code", "x"): []}


def expect(name, accounts, *, groups=True, note=True, favourite=True, uses=True):
    """`type issuer account secret algorithm digits period|counter groups note favourite uses`, with tabs between."""
    lines = []
    for a in accounts:
        moving = {"hotp": a.count, "totp": a.period, "steam": 30}[a.kind]
        algorithm = "SHA1" if a.kind == "steam" else a.algorithm
        lines.append("\t".join(map(str, [
            a.kind, a.issuer, a.account, a.secret.hex(), algorithm, a.digits, moving,
            ",".join(a.groups[:groups if groups is not True else None]) if groups else "",
            json.dumps(a.note if note else "", ensure_ascii=False), int(favourite and a.favourite), a.uses if uses else 0])))
    (HERE / f"{name}.expected").write_text("".join(line + "\n" for line in lines))


def write(name, content):
    path = HERE / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def gcm(key, nonce, plain, associated=b""):
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    cipher.update(associated)
    body, tag = cipher.encrypt_and_digest(plain)
    return body, tag


def argon2id(salt, memory_kib, passes, lanes):
    return argon2.low_level.hash_secret_raw(PASSWORD.encode(), salt, time_cost=passes, memory_cost=memory_kib, parallelism=lanes,
                                            hash_len=32, type=argon2.low_level.Type.ID)


def dumps(value):
    return json.dumps(value, ensure_ascii=False, indent=1)


# --- Google Authenticator ---

def google():
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="migration.proto", package="m", syntax="proto3")
    entry = file.message_type.add(name="OtpParameters")
    for number, (name, kind) in enumerate([("secret", field.TYPE_BYTES), ("name", field.TYPE_STRING), ("issuer", field.TYPE_STRING),
                                           ("algorithm", field.TYPE_INT32), ("digits", field.TYPE_INT32), ("type", field.TYPE_INT32),
                                           ("counter", field.TYPE_INT64), ("unique_id", field.TYPE_STRING)], 1):
        entry.field.add(name=name, number=number, type=kind, label=field.LABEL_OPTIONAL)
    payload = file.message_type.add(name="MigrationPayload")
    payload.field.add(name="otp_parameters", number=1, type=field.TYPE_MESSAGE, type_name=".m.OtpParameters", label=field.LABEL_REPEATED)
    for number, name in enumerate(["version", "batch_size", "batch_index", "batch_id"], 2):
        payload.field.add(name=name, number=number, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    Payload = message_factory.GetMessageClass(pool.FindMessageTypeByName("m.MigrationPayload"))

    can = [a for a in ACCOUNTS if a.kind != "steam" and a.digits in (6, 8) and (a.kind == "hotp" or a.period == 30)]
    can += [Account("totp", "Eight", "digits", "SHA512", 8), Account("hotp", "Big", "counter", count=2**40)]
    parts = [can[i::3] for i in range(3)]
    uris = []
    for index, part in enumerate(parts):
        message = Payload(version=1, batch_size=3, batch_index=index, batch_id=-1729)
        for a in part:
            message.otp_parameters.add(
                secret=a.secret, name=f"{a.issuer}:{a.account}", issuer=a.issuer, algorithm={"SHA1": 1, "SHA256": 2, "SHA512": 3}[a.algorithm],
                digits={6: 1, 8: 2}[a.digits], type={"hotp": 1, "totp": 2}[a.kind], counter=a.count if a.kind == "hotp" else 0)
        data = base64.b64encode(message.SerializeToString()).decode()
        # one is encoded as it should be, one is as some scanners give it
        uris.append("otpauth-migration://offline?data=" + (data if index == 1 else quote(data, safe="")))
    order = [2, 0, 1]
    write("google.txt", "".join(uris[i] + "\n" for i in order))
    plain = dict(groups=False, note=False, favourite=False, uses=False)
    expect("google.txt", [a for i in order for a in parts[i]], **plain)
    write("google_one_missing.txt", uris[2] + "\n" + uris[2] + "\n" + uris[0] + "\n")


# --- Aegis ---

def aegis():
    groups = {name: str(uuid.UUID(bytes=random(16))) for a in ACCOUNTS for name in a.groups}
    entries = []
    for a in ACCOUNTS:
        info = {"secret": a.base32(), "algo": a.algorithm, "digits": a.digits}
        info |= {"counter": a.count} if a.kind == "hotp" else {"period": a.period}
        entries.append({"type": a.kind, "uuid": str(uuid.UUID(bytes=random(16))), "name": a.account, "issuer": a.issuer, "note": a.note,
                        "favorite": a.favourite, "icon": None, "info": info, "groups": [groups[g] for g in a.groups]})
    db = {"version": 3, "entries": entries, "groups": [{"uuid": i, "name": n} for n, i in groups.items()], "icons_optimized": True}
    write("aegis.json", dumps({"version": 1, "header": {"slots": None, "params": None}, "db": db}))
    expect("aegis.json", ACCOUNTS, uses=False)
    master = random(32)
    slots = [{"type": 2, "uuid": str(uuid.UUID(bytes=random(16))), "key": random(32).hex(),
              "key_params": {"nonce": random(12).hex(), "tag": random(16).hex()}}]
    for password in ["another password", PASSWORD]:
        salt, nonce = random(32), random(12)
        key = scrypt(password.encode(), salt, 32, N=2**15, r=8, p=1)
        wrapped, tag = gcm(key, nonce, master)
        slots.append({"type": 1, "uuid": str(uuid.UUID(bytes=random(16))), "key": wrapped.hex(),
                      "key_params": {"nonce": nonce.hex(), "tag": tag.hex()}, "n": 2**15, "r": 8, "p": 1, "salt": salt.hex(), "repaired": True})
    nonce = random(12)
    sealed, tag = gcm(master, nonce, dumps(db).encode())
    header = {"slots": slots, "params": {"nonce": nonce.hex(), "tag": tag.hex()}}
    write("aegis_encrypted.json", dumps({"version": 1, "header": header, "db": base64.b64encode(sealed).decode()}))
    expect("aegis_encrypted.json", ACCOUNTS, uses=False)


# --- 2FAS ---

def two_fas():
    groups = {a.groups[0]: str(uuid.UUID(bytes=random(16))) for a in ACCOUNTS if a.groups}
    services = []
    for position, a in enumerate(ACCOUNTS):
        otp = {"link": a.uri(), "label": a.account, "account": a.account, "issuer": a.issuer, "digits": a.digits, "algorithm": a.algorithm,
               "tokenType": a.kind.upper(), "source": "Link"}
        otp |= {"counter": a.count} if a.kind == "hotp" else {"period": a.period}
        service = {"name": a.issuer, "secret": a.base32(), "updatedAt": 1702934567518, "otp": otp, "order": {"position": position}}
        if a.groups:
            service["groupId"] = groups[a.groups[0]]
        services.append(service)
    rest = {"groups": [{"id": i, "name": n, "isExpanded": True} for n, i in groups.items()], "updatedAt": 1702934732299, "schemaVersion": 4,
            "appVersionCode": 5000009, "appVersionName": "5.1.0", "appOrigin": "android"}
    write("2fas.2fas", json.dumps({"services": services} | rest))
    expect("2fas.2fas", ACCOUNTS, groups=1, note=False, favourite=False, uses=False)
    salt = random(256)
    key = PBKDF2(PASSWORD.encode(), salt, 32, count=10_000, hmac_hash_module=SHA256)

    def sealed(plain):
        nonce = random(12)
        body, tag = gcm(key, nonce, plain)
        return ":".join(base64.b64encode(piece).decode() for piece in (body + tag, salt, nonce))
    encrypted = {"services": [], "servicesEncrypted": sealed(json.dumps(services).encode()), "reference": sealed(random(64).hex().encode())}
    write("2fas_encrypted.2fas", json.dumps(encrypted | rest))
    expect("2fas_encrypted.2fas", ACCOUNTS, groups=1, note=False, favourite=False, uses=False)


# --- andOTP ---

def and_otp():
    entries = []
    for a in ACCOUNTS:
        entry = {"secret": a.base32(), "issuer": a.issuer, "label": a.account, "digits": a.digits, "type": a.kind.upper(), "algorithm": a.algorithm,
                 "thumbnail": "Default", "last_used": 1600000000000, "used_frequency": a.uses, "tags": a.groups}
        entry |= {"counter": a.count} if a.kind == "hotp" else {"period": a.period}
        entries.append(entry)
    plain = json.dumps(entries)
    write("andotp.json", plain)
    expect("andotp.json", ACCOUNTS, note=False, favourite=False)
    iterations, salt, nonce = 145_331, random(12), random(12)
    key = PBKDF2(PASSWORD.encode(), salt, 32, count=iterations, hmac_hash_module=SHA1)
    body, tag = gcm(key, nonce, plain.encode())
    write("andotp_encrypted.bin", struct.pack(">I", iterations) + salt + nonce + body + tag)
    expect("andotp_encrypted.bin", ACCOUNTS, note=False, favourite=False)
    nonce = b"\xff" + random(11)
    body, tag = gcm(hashlib.sha256(PASSWORD.encode()).digest(), nonce, plain.encode())
    write("andotp_encrypted_old.bin", nonce + body + tag)
    expect("andotp_encrypted_old.bin", ACCOUNTS, note=False, favourite=False)


# --- Bitwarden ---

def bitwarden():
    bare = Account("totp", "A bare key", "somebody")
    steam = Account("steam", "Steam", "gabe", digits=5)
    folder = str(uuid.UUID(bytes=random(16)))
    logins = [(a.uri(), a) for a in ACCOUNTS if a.kind != "steam"] + [(bare.base32().lower(), bare), ("steam://" + steam.base32(), steam)]
    items = [{"id": str(uuid.UUID(bytes=random(16))), "folderId": None, "type": 2, "name": "a note", "notes": "x", "favorite": False, "secureNote": {"type": 0}},
             {"id": str(uuid.UUID(bytes=random(16))), "folderId": None, "type": 1, "name": "no code", "notes": None, "favorite": False,
              "login": {"uris": [{"match": None, "uri": "https://example.com"}], "username": "u", "password": "p", "totp": None}}]
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow("folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp".split(","))
    rows.writerow(["", "", "note", "a note", "with a\nline, and a comma", "", "0", "", "", "", ""])
    for totp, a in logins:
        items.append({"id": str(uuid.UUID(bytes=random(16))), "organizationId": None, "folderId": folder if a.favourite else None, "type": 1,
                      "reprompt": 0, "name": a.issuer, "notes": a.note or None, "favorite": a.favourite,
                      "login": {"uris": None, "username": a.account, "password": "p\"w,", "totp": totp}, "collectionIds": None})
        rows.writerow(["工作" if a.favourite else "", "1" if a.favourite else "", "login", a.issuer, a.note, "", "0", "https://a,https://b", a.account, "p\"w,", totp])
    write("bitwarden.json", dumps({"encrypted": False, "folders": [{"id": folder, "name": "工作"}], "items": items}))
    write("bitwarden.csv", table.getvalue())
    for name in ("bitwarden.json", "bitwarden.csv"):
        expect(name, [a for _, a in logins], groups=1, uses=False)
    return logins


def bitwarden_of_an_organisation():
    names = ["工作", "work"]
    ids = {name: str(uuid.UUID(bytes=random(16))) for name in names}
    items = [{"id": str(uuid.UUID(bytes=random(16))), "organizationId": str(uuid.UUID(bytes=random(16))), "folderId": None, "type": 1, "reprompt": 0,
              "name": a.issuer, "notes": a.note or None, "favorite": None, "collectionIds": [ids[g] for g in a.groups],
              "login": {"uris": [], "username": a.account, "password": "p", "totp": a.uri()}} for a in ACCOUNTS if a.kind != "steam"]
    collections = [{"id": i, "organizationId": items[0]["organizationId"], "name": n, "externalId": None} for n, i in ids.items()]
    write("bitwarden_organisation.json", dumps({"encrypted": False, "collections": collections, "items": items}))
    expect("bitwarden_organisation.json", [a for a in ACCOUNTS if a.kind != "steam"], favourite=False, uses=False)


def bitwarden_protected():
    logins = bitwarden_logins
    plain = (HERE / "bitwarden.json").read_bytes()

    def expanded(key, purpose):
        """The first block of RFC 5869's expansion."""
        return HMAC.new(key, purpose + b"\x01", SHA256).digest()

    def enc_string(key, content):
        padding = 16 - len(content) % 16
        iv = random(16)
        sealed = AES.new(expanded(key, b"enc"), AES.MODE_CBC, iv=iv).encrypt(content + bytes([padding] * padding))
        mac = HMAC.new(expanded(key, b"mac"), iv + sealed, SHA256).digest()
        return "2." + "|".join(base64.b64encode(piece).decode() for piece in (iv, sealed, mac))

    salt = base64.b64encode(random(16)).decode()
    by_pbkdf2 = PBKDF2(PASSWORD.encode(), salt.encode(), 32, count=600_000, hmac_hash_module=SHA256)
    by_argon2 = argon2id(hashlib.sha256(salt.encode()).digest(), 32 << 10, 6, 4)
    for name, key, kdf in [
            ("bitwarden_protected.json", by_pbkdf2, {"kdfType": 0, "kdfIterations": 600_000}),
            ("bitwarden_protected_argon2.json", by_argon2, {"kdfType": 1, "kdfIterations": 6, "kdfMemory": 32, "kdfParallelism": 4})]:
        validation = enc_string(key, str(uuid.UUID(bytes=random(16))).encode())
        write(name, dumps({"encrypted": True, "passwordProtected": True, "salt": salt} | kdf
                          | {"encKeyValidation_DO_NOT_EDIT": validation, "data": enc_string(key, plain)}))
        expect(name, [a for _, a in logins], groups=1, uses=False)


# --- FreeOTP, FreeOTP+ ---

def free_otp():
    can = [a for a in ACCOUNTS if a.kind != "steam"] + [Account("steam", "Steam", "gabe", digits=5)]
    tokens = [{"algo": a.algorithm, "counter": a.count - 1 if a.kind == "hotp" else 0, "digits": a.digits, "issuerExt": a.issuer, "issuerInt": a.issuer,
               "label": a.account, "period": a.period, "secret": list(struct.unpack(f"{len(a.secret)}b", a.secret)), "type": "HOTP" if a.kind == "hotp" else "TOTP"} for a in can]
    write("freeotp_plus.json", json.dumps({"tokenOrder": [f"{a.issuer}:{a.account}" for a in can], "tokens": tokens}))
    write("freeotp_tokens.json", json.dumps(tokens))
    write("freeotp_token.json", json.dumps(tokens[0]))
    plain = dict(groups=False, note=False, favourite=False, uses=False)
    expect("freeotp_plus.json", can, **plain)
    expect("freeotp_tokens.json", can, **plain)
    expect("freeotp_token.json", can[:1], **plain)


def free_otp_backup(name="freeotp_backup.xml", before_nonce=b"\x30\x11\x04\x0c", behind_nonce=b"\x02\x01\x10"):
    """FreeOTP 2: a HashMap of texts as Java writes it, whose keys are sealed under a master key, and that under the password."""
    can = [a for a in ACCOUNTS if a.kind != "steam"] + [Account("steam", "Steam", "gabe", digits=5), Account("totp", "Key 🔑", "a\u00e9b")]
    signed = lambda content: list(struct.unpack(f"{len(content)}b", content))

    def sealed(key, content, algorithm):
        nonce = random(12)
        body, tag = gcm(key, nonce, content, algorithm.encode())
        return {"mCipher": "AES/GCM/NoPadding", "mCipherText": signed(body + tag),
                "mParameters": signed(before_nonce + nonce + behind_nonce), "mToken": algorithm}

    def gson(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("=", "\\u003d").replace("&", "\\u0026")

    master, salt = random(32), random(32)
    by_password = PBKDF2(PASSWORD.encode(), salt, 32, count=100_000, hmac_hash_module=SHA512)
    entries = {}
    for a in can:
        i = str(uuid.UUID(bytes=random(16)))
        token = {"algo": a.algorithm, "digits": a.digits, "issuerExt": a.issuer, "issuerInt": a.issuer, "label": a.account, "period": a.period,
                 "type": "HOTP" if a.kind == "hotp" else "TOTP"}
        if a.kind == "hotp":
            token["counter"] = a.count
        entries[i + "-token"] = gson(token)
        entries[i] = json.dumps({"key": gson(sealed(master, a.secret, "Hmac" + a.algorithm))})
    entries["masterKey"] = gson({"mAlgorithm": "PBKDF2withHmacSHA512", "mEncryptedKey": sealed(by_password, master, "AES"), "mIterations": 100_000,
                                 "mSalt": signed(salt)})

    def text(value):
        units = value.encode("utf-16-be")
        encoded = b"".join(units[i:i + 2].decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass") for i in range(0, len(units), 2))
        return struct.pack(">H", len(encoded)) + encoded.replace(b"\0", b"\xc0\x80")
    java = b"\xac\xed\x00\x05" + b"\x73\x72" + text("java.util.HashMap") + bytes.fromhex("0507dac1c31660d1") + b"\x03"
    java += struct.pack(">H", 2) + b"F" + text("loadFactor") + b"I" + text("threshold") + b"\x78\x70"
    java += struct.pack(">fI", 0.75, 48) + b"\x77\x08" + struct.pack(">II", 64, len(entries))
    for key, value in entries.items():
        java += b"\x74" + text(key) + b"\x74" + text(value)
    write(name, java + b"\x78")
    expect(name, can, groups=False, note=False, favourite=False, uses=False)


# --- Ente ---

def ente():
    def line(a):
        display = {"pinned": a.favourite, "trashed": False, "lastUsedAt": 0, "tapCount": a.uses, "tags": a.groups, "note": a.note, "position": 0}
        return a.uri(codeDisplay=json.dumps(display, ensure_ascii=False, separators=(",", ":")))
    trashed = Account("totp", "Old", "thing").uri(codeDisplay='{"pinned":false,"trashed":true}')
    plain = "\n".join([line(a) for a in ACCOUNTS])
    write("ente.txt", plain + "\n" + trashed)
    expect("ente.txt", ACCOUNTS)
    salt, memory, passes = random(16), 64 << 20, 2
    key = argon2id(salt, memory // 1024, passes, 1)
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    header = bindings.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    sealed = bindings.crypto_secretstream_xchacha20poly1305_push(state, plain.encode(), tag=bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL)
    b64 = lambda b: base64.b64encode(b).decode()
    write("ente_encrypted.txt", dumps({"version": 1, "kdfParams": {"memLimit": memory, "opsLimit": passes, "salt": b64(salt)},
                                       "encryptedData": b64(sealed), "encryptionNonce": b64(header)}))
    expect("ente_encrypted.txt", ACCOUNTS)


# --- Proton Authenticator ---

def proton():
    can = [a for a in ACCOUNTS if a.kind == "totp"] + [Account("steam", "Steam", "gabe", digits=5)]
    entries = [{"id": str(uuid.UUID(bytes=random(16))),
                "content": {"uri": "steam://" + a.base32() if a.kind == "steam" else a.uri(), "entry_type": a.kind.title(), "name": a.account},
                "note": a.note or None} for a in can]
    plain = dumps({"version": 1, "entries": entries})
    write("proton.json", plain)
    salt, nonce = random(16), random(12)
    body, tag = gcm(argon2id(salt, 19 * 1024, 2, 1), nonce, plain.encode(), b"proton.authenticator.export.v1")
    write("proton_encrypted.json", dumps({"version": 1, "salt": base64.b64encode(salt).decode(), "content": base64.b64encode(nonce + body + tag).decode()}))
    for name in ("proton.json", "proton_encrypted.json"):
        expect(name, can, groups=False, favourite=False, uses=False)


# --- Stratum ---

def stratum():
    identifier = lambda name: hashlib.sha1(name.encode()).hexdigest()[:8]
    names = [g for a in ACCOUNTS for g in a.groups]
    content = {
        "Authenticators": [{"Type": {"hotp": 1, "totp": 2, "steam": 4}[a.kind], "Icon": None, "Issuer": a.issuer, "Username": a.account, "Secret": a.base32(),
                            "Pin": None, "Algorithm": ["SHA1", "SHA256", "SHA512"].index(a.algorithm), "Digits": a.digits, "Period": a.period,
                            "Counter": a.count, "CopyCount": a.uses, "Ranking": i} for i, a in enumerate(ACCOUNTS)],
        "Categories": [{"Id": identifier(n), "Name": n, "Ranking": 0} for n in names],
        "AuthenticatorCategories": [{"CategoryId": identifier(g), "AuthenticatorSecret": a.base32(), "Ranking": 0} for a in ACCOUNTS for g in a.groups],
        "CustomIcons": []}
    write("stratum.json", json.dumps(content))
    salt, nonce = random(16), random(12)
    body, tag = gcm(argon2id(salt, 1 << 16, 3, 4), nonce, json.dumps(content).encode())
    write("stratum_encrypted.stratum", b"AUTHENTICATORPRO" + salt + nonce + body + tag)
    plain = json.dumps(content).encode()
    padding = 16 - len(plain) % 16
    salt, iv = hashlib.shake_128(b"old salt").digest(20), hashlib.shake_128(b"old iv").digest(16)
    key = PBKDF2(PASSWORD.encode(), salt, 32, count=64_000, hmac_hash_module=SHA1)
    sealed = AES.new(key, AES.MODE_CBC, iv=iv).encrypt(plain + bytes([padding] * padding))
    write("stratum_encrypted_old.stratum", b"AuthenticatorPro" + salt + iv + sealed)
    for name in ("stratum.json", "stratum_encrypted.stratum", "stratum_encrypted_old.stratum"):
        expect(name, ACCOUNTS, note=False, favourite=False)


# --- cotp, lists ---

def cotp():
    elements = [{"secret": a.base32(), "issuer": a.issuer, "label": a.account, "digits": a.digits, "type": a.kind.upper(), "algorithm": a.algorithm,
                 "period": a.period, "counter": a.count if a.kind == "hotp" else None, "pin": None} for a in ACCOUNTS]
    plain = dumps({"version": 2, "elements": elements})
    write("cotp.json", plain)
    salt, nonce = hashlib.shake_128(b"cotp salt").digest(16), hashlib.shake_128(b"cotp nonce").digest(24)
    sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain.encode(), None, nonce, argon2id(salt, 32768, 4, 4))
    b64 = lambda b: base64.b64encode(b).decode()
    write("cotp_encrypted.json", json.dumps({"version": 1, "nonce": b64(nonce), "salt": b64(salt), "cipher": b64(sealed)}))
    for name in ("cotp.json", "cotp_encrypted.json"):
        expect(name, ACCOUNTS, groups=False, note=False, favourite=False, uses=False)


def uri_list():
    write("uris.txt", "\ufeff# two factors\r\n\r\n" + "\r\n".join(a.uri() for a in ACCOUNTS) + "\r\n")
    expect("uris.txt", ACCOUNTS, groups=False, note=False, favourite=False, uses=False)


def stratum_uris():
    """Stratum's list: Steam is totp there, known by its issuer, or by a parameter where that is another."""
    lines, accounts = [], [Account("totp", "Deno", "Mason"), Account("steam", "Steam", "gabe", digits=5), Account("steam", "Valve", "gabe", digits=5)]
    for a in accounts:
        query = f"secret={a.base32()}&issuer={a.issuer}" + ("&steam" if a.kind == "steam" and a.issuer != "Steam" else "")
        lines.append(f"otpauth://totp/{a.issuer}:{a.account}?{query}")
    write("stratum.txt", "\n".join(lines) + "\n")
    expect("stratum.txt", accounts)


def utf_16():
    for name, encoding in (("uris_utf16le.txt", "utf-16-le"), ("uris_utf16be.txt", "utf-16-be")):
        write(name, ("\ufeff" + "".join(a.uri() + "\r\n" for a in ACCOUNTS)).encode(encoding))
        expect(name, ACCOUNTS, groups=False, note=False, favourite=False, uses=False)


# --- Raivo, and what else came later ---

def raivo():
    """All values are texts. Its ZIP by WinZip's AES, once, for its salts are random; and by Info-ZIP with PKWARE's cipher."""
    can = [a for a in ACCOUNTS if a.kind != "steam"]
    plain = json.dumps([{"issuer": a.issuer, "account": a.account, "secret": a.base32(), "kind": a.kind.upper(), "timer": str(a.period),
                         "counter": str(a.count), "digits": str(a.digits), "algorithm": a.algorithm, "pinned": "true" if a.favourite else "false",
                         "iconType": "", "iconValue": ""} for a in can])
    write("raivo.json", plain)
    if not (HERE / "raivo.zip").exists():
        with pyzipper.AESZipFile(HERE / "raivo.zip", "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(PASSWORD.encode())
            archive.writestr("raivo-otp-export.html", "<html><body>codes</body></html>")
            archive.writestr("raivo-otp-export.json", plain)
    if not (HERE / "raivo_pkware.zip").exists():
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "raivo-otp-export.json").write_text(plain)
            subprocess.run(["zip", "-q", "-P", PASSWORD, HERE / "raivo_pkware.zip", "raivo-otp-export.json"], cwd=directory, check=True)
    for name in ("raivo.json", "raivo.zip", "raivo_pkware.zip"):
        expect(name, can, groups=False, note=False, uses=False)


def cotp_uris():
    write("cotp_uris.json", dumps({"items": [a.uri() for a in ACCOUNTS]}))
    expect("cotp_uris.json", ACCOUNTS, groups=False, note=False, favourite=False, uses=False)


def two_fas_empty():
    content = json.loads((HERE / "2fas.2fas").read_text()) | {"servicesEncrypted": "", "reference": ""}
    write("2fas_empty.2fas", json.dumps(content))
    expect("2fas_empty.2fas", ACCOUNTS, groups=1, note=False, favourite=False, uses=False)


def bitwarden_android():
    """Nine fields under six columns, and none of them in quotes."""
    can = [a for a in ACCOUNTS if a.kind == "totp"] + [Account("totp", "Comma, Inc., Ltd", "kim")]
    lines = ["folder,favorite,type,name,login_uri,login_totp"]
    lines += [f",,1,{a.issuer},,{a.uri()},{a.issuer},{a.period},{a.digits}" for a in can]
    write("bitwarden_android.csv", "\n".join(lines) + "\n")
    expect("bitwarden_android.csv", can, groups=False, note=False, favourite=False, uses=False)


def password_managers():
    bare = Account("totp", "A bare key", "somebody")
    can = [(a.uri(), a) for a in ACCOUNTS if a.kind != "steam"] + [(bare.base32().lower(), bare)]
    for name, header, row, kept in [
            ("keepassxc.csv", ["Group", "Title", "Username", "Password", "URL", "Notes", "TOTP", "Icon", "Last Modified", "Created"],
             lambda totp, a: ["Root/" + a.groups[0] if a.groups else "Root", a.issuer, a.account, "p\"w,", "https://a", a.note, totp, "0", "", ""],
             dict(groups=1, favourite=False)),
            ("1password.csv", ["Title", "Url", "Username", "Password", "OTPAuth", "Favorite", "Archived", "Tags", "Notes"],
             lambda totp, a: [a.issuer, "https://a", a.account, "p\"w,", totp, str(a.favourite).lower(), "false", a.groups[0] if a.groups else "", a.note],
             dict(groups=1)),
            ("apple.csv", ["Title", "URL", "Username", "Password", "Notes", "OTPAuth"],
             lambda totp, a: [a.issuer, "https://a", a.account, "p\"w,", a.note, totp], dict(groups=False, favourite=False)),
            ("protonpass.csv", ["type", "name", "url", "email", "username", "password", "note", "totp", "createTime", "modifyTime", "vault"],
             lambda totp, a: ["login", a.issuer, "https://a", "", a.account, "p\"w,", a.note, totp, "0", "0", a.groups[0] if a.groups else ""],
             dict(groups=1, favourite=False))]:
        table = io.StringIO()
        rows = csv.writer(table, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        rows.writerow(header)
        rows.writerow(row("", Account("totp", "no code", "u")))
        for totp, a in can:
            rows.writerow(row(totp, a))
        write(name, table.getvalue())
        expect(name, [a for _, a in can], uses=False, **kept)


def ente_message():
    """As real exports are: the one message does not say that it is the last one."""
    plain = "\n".join(a.uri() for a in ACCOUNTS)
    salt, memory, passes = random(16), 32 << 20, 2
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    if not (HERE / "ente_message.txt").exists():
        header = bindings.crypto_secretstream_xchacha20poly1305_init_push(state, argon2id(salt, memory // 1024, passes, 1))
        sealed = bindings.crypto_secretstream_xchacha20poly1305_push(state, plain.encode(), tag=bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE)
        b64 = lambda b: base64.b64encode(b).decode()
        write("ente_message.txt", dumps({"version": 1, "kdfParams": {"memLimit": memory, "opsLimit": passes, "salt": b64(salt)},
                                         "encryptedData": b64(sealed), "encryptionNonce": b64(header)}))
    expect("ente_message.txt", ACCOUNTS, groups=False, note=False, favourite=False, uses=False)


def lastpass():
    can = [a for a in ACCOUNTS if a.kind == "totp"]
    names = [g for a in can for g in a.groups[:1]]
    accounts = [{"accountID": str(uuid.UUID(bytes=random(16))), "issuerName": a.issuer, "originalIssuerName": a.issuer + " once", "userName": a.account,
                 "originalUserName": a.account, "pushNotification": False, "secret": a.base32(), "timeStep": a.period, "digits": a.digits,
                 "creationTimestamp": 1700000000000, "isFavorite": a.favourite, "algorithm": a.algorithm,
                 "folderData": {"folderId": 1 + names.index(a.groups[0]), "position": 0} if a.groups else None} for a in can]
    folders = [{"id": 1 + i, "name": n, "isOpened": True} for i, n in enumerate(names)]
    write("lastpass.json", dumps({"deviceId": "", "deviceSecret": "", "localDeviceId": "x", "deviceName": "", "version": 3, "accounts": accounts, "folders": folders}))
    expect("lastpass.json", can, groups=1, note=False, uses=False)


def archived(name, member, content, *others):
    """As a password manager's archive has it, beside other files."""
    at = (2024, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(HERE / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for other in others:
            archive.writestr(zipfile.ZipInfo(other, at), b"\x89PNG\r\n\x1a\nattached")
        info = zipfile.ZipInfo(member, at)
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)


def proton_pass():
    can = [a for a in ACCOUNTS if a.kind != "steam"] + [Account("totp", "Second code", "x")]
    items = [{"itemId": "i", "shareId": "s", "state": 1, "pinned": a.favourite, "aliasEmail": None,
              "data": {"metadata": {"name": a.issuer, "note": a.note, "itemUuid": "u"}, "extraFields": [], "platformSpecific": None, "type": "login",
                       "content": {"itemEmail": "", "itemUsername": a.account, "password": "p", "urls": [], "totpUri": a.uri(), "passkeys": []}}} for a in can]
    second = items.pop()
    items[-1]["data"]["extraFields"] = [{"fieldName": "2FA", "type": "totp", "data": {"totpUri": second["data"]["content"]["totpUri"]}},
                                        {"fieldName": "hint", "type": "text", "data": {"content": "x"}}]
    items.append({"itemId": "n", "data": {"metadata": {"name": "a note", "note": "x"}, "extraFields": [], "type": "note", "content": {}}, "state": 1})
    vaults = {"v1": {"name": "工作", "description": "", "items": items[:3]}, "v2": {"name": "工作", "description": "", "items": items[3:]}}
    plain = dumps({"version": "1.21.0", "userId": "u", "encrypted": False, "vaults": vaults})
    write("protonpass.json", plain)
    archived("protonpass.zip", "Proton Pass/data.json", plain)
    for a in can:
        a.groups = ["工作"]
    for name in ("protonpass.json", "protonpass.zip"):
        expect(name, can, uses=False)
    for a in can:
        a.groups = GROUPS[a.issuer, a.account]


def one_password():
    bare = Account("totp", "A bare key", "somebody")
    can = [(a.uri(), a) for a in ACCOUNTS if a.kind != "steam"] + [(bare.base32(), bare)]
    def item(a, fields):
        return {"uuid": random(13).hex(), "favIndex": int(a.favourite), "createdAt": 1, "updatedAt": 1, "state": "active", "categoryUuid": "001",
                "details": {"loginFields": [{"value": "p", "name": "password", "fieldType": "P", "designation": "password"},
                                            {"value": a.account, "name": "username", "fieldType": "T", "designation": "username"}],
                            "notesPlain": a.note, "passwordHistory": [],
                            "sections": [{"title": "s", "fields": [{"title": "u", "value": {"string": "x"}, "multiline": False}]}, {"title": "t", "fields": fields}]},
                "overview": {"title": a.issuer, "subtitle": "", "urls": [], "tags": a.groups}}
    items = [item(a, [{"title": "one-time password", "id": "TOTP_1", "value": {"totp": totp}}]) for totp, a in can]
    items.append(item(Account("totp", "no code", "u"), []))
    attrs = {"accountName": "A", "name": "A", "avatar": "", "email": "a@example.com", "uuid": "U", "domain": "https://my.example.com/"}
    plain = dumps({"accounts": [{"attrs": attrs, "vaults": [{"attrs": {"uuid": "v", "desc": "", "avatar": "", "name": "Private", "type": "P"}, "items": items}]}]})
    write("1password.json", plain)
    archived("1password.1pux", "export.data", plain, "files/a___picture.png", "files/b___other.png")
    for _, a in can:
        a.groups = ["Private"] + a.groups
    for name in ("1password.json", "1password.1pux"):
        expect(name, [a for _, a in can], uses=False)
    for _, a in can:
        a.groups = a.groups[1:]


def of_rooted_phones():
    steam = Account("steam", "Steam", "gabe", digits=5)
    write("steam.json", json.dumps({"shared_secret": base64.b64encode(steam.secret).decode(), "serial_number": "1", "revocation_code": "R1",
                                    "uri": "otpauth://totp/Steam:gabe?issuer=Steam", "account_name": "gabe", "identity_secret": base64.b64encode(random(20)).decode()}))
    expect("steam.json", [steam])
    can = [a for a in ACCOUNTS if a.kind == "totp" and a.algorithm == "SHA1" and a.period == 30]
    own = Account("totp", "", "Authy's own", digits=7, period=10)
    tokens = [{"accountType": "authenticator", "decryptedSecret": a.base32(), "digits": a.digits, "name": f"{a.issuer}:{a.account}", "id": "1", "timestamp": 1} for a in can]
    def setting(name, value):
        return f'    <string name="{name}">{escape(value)}</string>\n'
    write("authy.xml", "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<map>\n"
          + setting("com.authy.storage.tokens.authenticator.key", json.dumps(tokens, ensure_ascii=False))
          + setting("com.authy.storage.tokens.authy.key", json.dumps([{"name": own.account, "secretSeed": own.secret.hex()}])) + "</map>\n")
    expect("authy.xml", can + [own], groups=False, note=False, favourite=False, uses=False)
    game = Account("totp", "Battle.net", "EU-1234-5678-9012", digits=8)
    write("battlenet.xml", "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<map>\n"
          + setting("com.blizzard.messenger.AUTHENTICATOR_SERIAL", game.account)
          + setting("com.blizzard.messenger.AUTHENTICATOR_DEVICE_SECRET", game.secret.hex()) + "</map>\n")
    expect("battlenet.xml", [game])


def authy_tokens():
    """Twilio's blog on Authy's backups, and the tools of others that decrypt what the app gets from its server."""
    can = [a for a in ACCOUNTS if a.kind == "totp" and a.algorithm == "SHA1" and a.period == 30]
    def token(a, password, iterations, unique_iv, issuer):
        salt = base64.b64encode(random(20)).decode().rstrip("=")
        plain = a.base32().encode()
        pad = 16 - len(plain) % 16
        key = PBKDF2(password.encode(), salt.encode(), 32, iterations, hmac_hash_module=SHA1)
        sealed = AES.new(key, AES.MODE_CBC, unique_iv or bytes(16)).encrypt(plain + bytes([pad]) * pad)
        names = {"name": a.account, "issuer": a.issuer} if issuer else {"name": f"{a.issuer}: {a.account}", "issuer": None}
        return names | {"account_type": "authenticator", "digits": a.digits, "encrypted_seed": base64.b64encode(sealed).decode(), "salt": salt,
                        "key_derivation_iterations": iterations, "original_name": "x", "password_timestamp": 1, "unique_id": "1",
                        "unique_iv": unique_iv.hex() if unique_iv else None}
    older = Account("totp", "Older", "kim")
    tokens = [token(can[0], PASSWORD, 1_000, None, False), token(can[1], PASSWORD, 2_000, random(16), True),
              token(can[2], PASSWORD, 1_000, None, False), token(older, "an older one", 1_000, None, False)]
    write("authy_tokens.json", dumps({"authenticator_tokens": tokens, "deleted": [], "success": True}))
    decrypted = [{"account_type": "authenticator", "name": f"{a.issuer}: {a.account}", "issuer": None, "decrypted_seed": a.base32(), "digits": a.digits,
                  "logo": None, "unique_id": "1"} for a in can]
    write("authy_decrypted.json", dumps({"message": "success", "decrypted_authenticator_tokens": decrypted, "success": True}))
    for name in ("authy_tokens.json", "authy_decrypted.json"):
        expect(name, can, groups=False, note=False, favourite=False, uses=False)


def from_windows():
    """Windows' tools write in the code page of the machine, or in UTF-16."""
    accounts = [Account("totp", "Société Générale", "zoë"), Account("totp", "Müller & Söhne", "jürgen")]
    table = "sep=;\r\nTitle;Username;Password;TOTP;;\r\n" + "".join(f"{a.issuer};{a.account};p;{a.base32()};;\r\n" for a in accounts)
    write("passwords_cp1252.csv", table.encode("cp1252"))
    write("passwords_utf16.csv", ("\ufeff" + table).encode("utf-16-le"))
    entries = [{"secret": a.base32(), "issuer": a.issuer, "label": a.account, "type": "TOTP", "tags": []} for a in accounts]
    write("andotp_utf16.json", ("\ufeff" + json.dumps(entries, ensure_ascii=False)).encode("utf-16-be"))
    uris = "".join(f"otpauth://totp/{a.issuer.replace('&', '+')}:{a.account}?secret={a.base32()}\r\n" for a in accounts)
    write("uris_cp1252.txt", uris.encode("cp1252"))
    for name in ("passwords_cp1252.csv", "passwords_utf16.csv", "andotp_utf16.json"):
        expect(name, accounts)
    accounts[1].issuer = "Müller   Söhne"
    expect("uris_cp1252.txt", accounts)


for make in (google, aegis, two_fas, and_otp):
    make()
bitwarden_logins = bitwarden()
for make in (free_otp, ente, proton, stratum, cotp, uri_list, bitwarden_of_an_organisation, bitwarden_protected, free_otp_backup, stratum_uris, utf_16, raivo, cotp_uris, two_fas_empty, bitwarden_android,
             password_managers, ente_message, lastpass, proton_pass, one_password, of_rooted_phones, from_windows, authy_tokens):
    make()
free_otp_backup("freeotp_android6.xml", b"\x04\x0c", b"")
