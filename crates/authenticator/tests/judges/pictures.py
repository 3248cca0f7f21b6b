"""Draws pictures of QR codes as people have them, and pictures of anything else, the same in every run.

    pictures.py DIRECTORY

Writes the pictures and `drawn.tsv`: file, kind, and the texts that are in it. The codes are `qrencode`'s, the other barcodes
`zint`'s, the drawing is Pillow's and numpy's; nothing here is Countersign's.
"""
import base64, io, pathlib, random, subprocess, sys
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from urllib.parse import quote

NAMES = ["Example:alice@example.com", "GitHub:octocat", "云控制台:张三@示例.中国", "ACME Co:bob", "Société:zoë", "a:b"]


def text(rng):
    """An otpauth URI as apps write it, seldom a Google migration part, seldom something else."""
    kind = rng.random()
    if kind < 0.06:
        data = base64.b64encode(rng.randbytes(rng.randint(60, 260))).decode()
        return "otpauth-migration://offline?data=" + quote(data, safe="")
    if kind < 0.1:
        return "https://example.com/" + rng.randbytes(6).hex()
    name = rng.choice(NAMES)
    label = name if rng.random() < 0.2 else quote(name, safe=":@")
    secret = base64.b32encode(rng.randbytes(rng.choice([10, 20, 20, 32, 64]))).decode().rstrip("=")
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(name.split(':')[0])}"


def code(rng, quiet=4, level=None):
    """A text and its code: one pixel a module, black on white."""
    content = text(rng)
    level = level or rng.choice("LMMMQH")
    drawn = subprocess.run(["qrencode", "-8", "-t", "ASCII", "-m", "0", "-l", level],
                           input=content.encode(), capture_output=True, check=True).stdout.decode()
    dark = np.array([[pair == "#" for pair in line[::2]] for line in drawn.splitlines()])
    return content, Image.fromarray(np.uint8(np.where(np.pad(dark, quiet), 0, 255)))


def card(rng, px, quiet=4, level=None):
    """A code with `px` pixels a module, which need not be whole."""
    content, modules = code(rng, quiet, level)
    side = round(modules.width * px)
    whole = px == int(px)
    return content, modules.resize((side, side), Image.NEAREST if whole else Image.BICUBIC)


def on_page(picture, margin=40, page=255):
    large = Image.new("L", (picture.width + 2 * margin, picture.height + 2 * margin), page)
    large.paste(picture, (margin, margin))
    return large


def rotated(picture, degrees, page=255):
    return picture.rotate(degrees, Image.BICUBIC, expand=True, fillcolor=page)


def greys(picture, dark, light):
    """Black and white become two greys."""
    return Image.fromarray(np.uint8(dark + np.asarray(picture, float) / 255 * (light - dark)))


def noisy(picture, sigma, seed):
    noise = np.random.default_rng(seed).normal(0, sigma, (picture.height, picture.width))
    return Image.fromarray(np.uint8(np.clip(np.asarray(picture, float) + noise, 0, 255)))


def tilted(picture, rng, strength):
    """Seen from the side: each corner moves inwards by up to `strength` of the side."""
    w, h = picture.size
    move = lambda: rng.uniform(0, strength)
    to = [(w * move(), h * move()), (w * (1 - move()), h * move()),
          (w * (1 - move()), h * (1 - move())), (w * move(), h * (1 - move()))]
    rows, ends = [], []
    for (x, y), (u, v) in zip(to, [(0, 0), (w, 0), (w, h), (0, h)]):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        ends += [u, v]
    return picture.transform((w, h), Image.PERSPECTIVE, np.linalg.solve(np.array(rows), np.array(ends)), Image.BICUBIC, fillcolor=255)


def shaded(picture, rng):
    """Light from one side, and the shadow of a hand."""
    h, w = picture.height, picture.width
    y, x = np.mgrid[0:h, 0:w]
    light = 0.35 + 0.65 * (x * rng.random() / w + y * rng.random() / h).clip(0, 1)
    light[(x - w * rng.random()) ** 2 + (y - h * rng.random()) ** 2 < (0.3 * w) ** 2] *= 0.7
    return Image.fromarray(np.uint8(np.asarray(picture) * light)).filter(ImageFilter.GaussianBlur(1.5))


def screenshot(rng, cards, theme):
    """A window with a title bar, text and buttons; the cards lie side by side on it."""
    page, ink, bar = theme
    w = max(640, sum(c.width for c in cards) + 60 * (len(cards) + 1))
    h = max(c.height for c in cards) + 260
    screen = Image.new("RGB", (w, h), page)
    draw = ImageDraw.Draw(screen)
    font = ImageFont.load_default()
    draw.rectangle((0, 0, w, 34), fill=bar)
    for i, colour in enumerate([(255, 95, 86), (255, 189, 46), (39, 201, 63)]):
        draw.ellipse((12 + 22 * i, 11, 24 + 22 * i, 23), fill=colour)
    draw.text((100, 11), "Security settings - Two-step sign-in", ink, font)
    for line in range(6):
        draw.text((40, 56 + 16 * line), " ".join(rng.choice(["Scan", "this", "code", "with", "your", "app", "then", "type"]) for _ in range(14)), ink, font)
    x = 60
    for c in cards:
        screen.paste(c.convert("RGB"), (x, 170))
        x += c.width + 60
    draw.rectangle((40, h - 60, 160, h - 28), outline=ink)
    draw.text((75, h - 50), "Continue", ink, font)
    return screen


def several(rng, count, px, turn=False):
    """Up to six codes in a grid, each a little elsewhere."""
    texts, cards = zip(*(card(rng, px) for _ in range(count)))
    if turn:
        cards = [rotated(c, rng.choice([0, 90, 180, 270, 12, -20])) for c in cards]
    columns = 2 if count < 5 else 3
    cell = max(c.width for c in cards) + 16
    page = Image.new("L", (cell * columns, cell * -(-count // columns)), 255)
    for i, c in enumerate(cards):
        page.paste(c, (i % columns * cell + rng.randint(0, 16), i // columns * cell + rng.randint(0, 16)))
    return list(texts), page


def saved(picture, suffix, **options):
    file = io.BytesIO()
    picture.save(file, {"jpg": "JPEG"}.get(suffix, suffix.upper()), **options)
    return suffix, file.getvalue()


DARK = [((30, 30, 30), (212, 212, 212), (50, 50, 52)), ((13, 17, 23), (201, 209, 217), (22, 27, 34)), ((40, 44, 52), (171, 178, 191), (33, 37, 43))]


def matrix():
    """Yields kind, seed and a function from a random generator to texts and a picture or a file."""
    def one(kind, draw):
        cases.append((kind, draw))
    def single(px, then=lambda rng, c: on_page(c), **options):
        def draw(rng):
            content, picture = card(rng, px, **options)
            return [content], then(rng, picture)
        return draw
    cases = []
    for px in [2, 2, 2, 2.5, 2.5, 3, 3, 3.3, 3.7, 4, 4.4, 5, 5.5, 6, 7, 8, 9, 10, 11, 12]:
        one("size", single(px))
    for i, degrees in enumerate([90, 180, 270, 7, -7, 33, -33, 45, 135, 12.5, 20, 61, 88, 1.5] * 2):
        one("rotation", single([3, 4, 5, 6, 8][i % 5], lambda rng, c, d=degrees: on_page(rotated(c, d))))
    for i in range(16):
        one("perspective", single([4, 5, 6, 8][i % 4], lambda rng, c, i=i: on_page(tilted(c, rng, 0.04 + 0.007 * i))))
    for i in range(16):
        px = [4, 5, 6, 8][i % 4]
        one("blur", single(px, lambda rng, c, r=px * (0.25 + 0.025 * i): on_page(c).filter(ImageFilter.GaussianBlur(r))))
    for i in range(16):
        one("noise", single([4, 5, 6, 8][i % 4], lambda rng, c, i=i: noisy(on_page(c), 15 + 4 * i, i)))
    for i in range(16):
        low = [10, 60, 120, 200][i % 4]
        one("contrast", single([3, 4, 5, 6][i // 4], lambda rng, c, low=low, i=i: greys(on_page(c), low, low + 14 + 3 * (i % 8))))
    for i in range(14):
        page = [0, 30, 60][i % 3]
        one("inverted", single([3, 4, 5, 7][i % 4], lambda rng, c, p=page, i=i: greys(rotated(on_page(c), [0, 0, 9, 40][i % 4]), [255, 200, 230][i % 3], p)))
    for i in range(24):
        one("several", lambda rng, i=i: several(rng, 2 + i % 5, [3, 4, 5][i % 3], turn=i % 2 == 1))
    for i in range(14):
        then = [lambda rng, c: c, lambda rng, c: on_page(c, page=0), lambda rng, c: on_page(c, page=90)][i % 3]
        one("quiet zone", single([3, 4, 6, 8][i % 4], then, quiet=i % 3))
    for i in range(14):
        def shot(rng, i=i):
            content, cards = zip(*(card(rng, [3, 4, 5][i % 3], quiet=[4, 2, 1][i % 3]) for _ in range(1 + i % 2)))
            if i % 4 == 3:
                cards = [greys(c, 220, DARK[i % 3][0][0]) for c in cards]
            return list(content), screenshot(rng, cards, DARK[i % 3])
        one("dark screenshot", shot)
    for i in range(10):
        one("jpeg", single([3, 4, 5, 6][i % 4], lambda rng, c, i=i: saved(on_page(c), "jpg", quality=30 + 5 * (i % 5))))
    for i in range(6):
        one("webp", single([3, 4, 5][i % 3], lambda rng, c, i=i: saved(on_page(c).convert("RGB"), "webp", quality=30 + 10 * i, lossless=i % 3 == 2)))
    for i in range(6):
        one("light and shadow", single([4, 5, 6][i % 3], lambda rng, c: shaded(on_page(c), rng)))
    return cases


def barcode(symbology, data):
    drawn = subprocess.run(["zint", f"--barcode={symbology}", f"--data={data}", "--direct", "--filetype=PNG", "--scale=3"], capture_output=True, check=True)
    return on_page(Image.open(io.BytesIO(drawn.stdout)).convert("L"))


def finder(px):
    pattern = np.full((9, 9), 255)
    pattern[1:8, 1:8], pattern[2:7, 2:7], pattern[3:6, 3:6] = 0, 255, 0
    return np.kron(pattern, np.ones((px, px)))


def without():
    """Pictures in which there is nothing to read."""
    cases = []
    for i, (w, h, cell) in enumerate([(400, 300, 1), (600, 400, 3), (480, 480, 4), (500, 500, 8)]):
        cases.append(("noise", lambda rng, w=w, h=h, cell=cell, i=i: np.kron(np.random.default_rng(i).integers(0, 256, (h // cell, w // cell)), np.ones((cell, cell)))))
        cases.append(("random modules", lambda rng, w=w, h=h, cell=cell, i=i: np.kron(np.random.default_rng(i).integers(0, 2, (h // cell, w // cell)) * 255, np.ones((cell, cell)))))
    for cell in [1, 4, 16]:
        cases.append(("checkerboard", lambda rng, cell=cell: np.kron(np.indices((400 // cell, 400 // cell)).sum(0) % 2 * 255, np.ones((cell, cell)))))
    for theme in DARK:
        cases.append(("text", lambda rng, theme=theme: screenshot(rng, [Image.new("L", (200, 200), 128)], theme)))
    for symbology in ["CODE128", "EANX", "PDF417", "DATAMATRIX", "AZTEC", "MAXICODE", "MICROQR"]:
        cases.append(("barcode", lambda rng, s=symbology: barcode(s, "978020137962" if s == "EANX" else "1234567")))
    def finders(rng, side):
        """Three corners of a code with nothing but chance between them."""
        modules = np.kron(np.random.default_rng(side).integers(0, 2, (side + 2, side + 2)) * 255, np.ones((5, 5)))
        for y, x in [(0, 0), (0, side - 7), (side - 7, 0)]:
            modules[y * 5:(y + 9) * 5, x * 5:(x + 9) * 5] = finder(5)
        return np.pad(modules, 30, constant_values=255)
    for side in [21, 25, 29, 33, 45]:
        cases.append(("corners only", lambda rng, side=side: finders(rng, side)))
    cases.append(("many corners", lambda rng: np.kron(np.ones((30, 30)), finder(2))))
    cases.append(("blank", lambda rng: np.full((300, 300), 255)))
    cases.append(("one pixel", lambda rng: np.zeros((1, 1))))
    return cases


def dark_pages():
    """Codes whose border was left out, on pages nearly as dark as their ink; every third one is light on a light page."""
    def one(i):
        def draw(rng):
            content, picture = card(rng, [3, 4, 5, 6, 8][i % 5], quiet=0)
            page = on_page(picture, margin=[6, 40, 200][i % 3 - i // 15 % 2], page=8 + 4 * i)
            page = page if i % 3 < 2 else page.point(lambda grey: 255 - grey)
            return [content], page if i % 4 < 3 else saved(page.convert("RGB"), "jpg", quality=70)
        return draw
    return [("no border on a dark page", one(i)) for i in range(30)]


directory = pathlib.Path(sys.argv[1])
index = []
for number, (kind, draw) in enumerate(matrix() + without() + dark_pages()):
    rng = random.Random(number)
    drawn = draw(rng)
    texts, picture = drawn if isinstance(drawn, tuple) else ([], Image.fromarray(np.uint8(drawn)) if isinstance(drawn, np.ndarray) else drawn)
    suffix, file = picture if isinstance(picture, tuple) else saved(picture, ["png", "bmp"][number % 10 == 9])
    name = f"{number:03}.{suffix}"
    (directory / name).write_bytes(file)
    index.append("\t".join([name, kind, *texts]))
(directory / "drawn.tsv").write_text("\n".join(index) + "\n")
