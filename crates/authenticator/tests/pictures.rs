//! QR codes in pictures that a script of other people's libraries draws, and files that are none or mean harm.

mod support;

use std::{collections::BTreeMap, fs, io::Cursor, path::Path, process::Command};

use authenticator::picture::{MAX_PIXELS, Picture, PictureError};
use enroll::Qr;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use support::{codes, judges, python, run, texts, zbar};

const URI: &str = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";

const SCRAPS: usize = 200;

/// What `pictures.py` says of a picture that it drew.
struct Drawn {
    file: String,
    kind: String,
    texts: Vec<String>,
}

fn drawn(directory: &Path) -> Vec<Drawn> {
    run(python().arg(judges().join("pictures.py")).arg(directory));
    let index = fs::read_to_string(directory.join("drawn.tsv")).unwrap();
    let lines = index.lines().map(|line| {
        let mut fields = line.split('\t').map(str::to_owned);
        Drawn {
            file: fields.next().unwrap(),
            kind: fields.next().unwrap(),
            texts: fields.collect(),
        }
    });
    lines.collect()
}

/// How many pictures of a kind are read completely.
#[derive(Default)]
struct Read {
    pictures: usize,
    by_us: usize,
    by_zbar: usize,
}

/// The manual repeats the figures that `--nocapture` shows.
#[test]
fn nearly_all_pictures_are_read_completely_no_fewer_than_zbarimg_reads_and_nothing_else_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let mut kinds = BTreeMap::<String, Read>::new();
    let mut without = 0;
    for Drawn {
        file,
        kind,
        texts: drawn,
    } in drawn(directory.path())
    {
        let path = directory.path().join(&file);
        let codes = codes(&fs::read(&path).unwrap());
        let read = texts(&codes);
        for text in &read {
            assert!(
                drawn.iter().any(|one| one == text),
                "{file}, {kind}: nobody drew {text:?}"
            );
        }
        if drawn.is_empty() {
            without += 1;
            continue;
        }
        // By how many there are: that it guesses at some letters is not held against it.
        let by_zbar = zbar(&path).lines().count();
        let of_kind = kinds.entry(kind).or_default();
        of_kind.pictures += 1;
        of_kind.by_us += usize::from(read.len() == drawn.len());
        of_kind.by_zbar += usize::from(by_zbar == drawn.len());
    }
    for (
        kind,
        Read {
            pictures,
            by_us,
            by_zbar,
        },
    ) in &kinds
    {
        println!("{kind}: of {pictures} pictures {by_us} were read completely, by zbarimg {by_zbar}");
        assert!(by_us >= by_zbar, "{kind}: {by_us} of {pictures}, zbarimg {by_zbar}");
    }
    let dark = kinds.remove("no border on a dark page").expect("a set of its own");
    assert_eq!((dark.pictures, dark.by_us), (30, 30));
    let all = kinds.values().fold([0; 3], |[pictures, us, zbar], kind| {
        [pictures + kind.pictures, us + kind.by_us, zbar + kind.by_zbar]
    });
    println!("all others: {all:?}");
    let [pictures, by_us, by_zbar] = all;
    assert_eq!((pictures, without), (200, 29));
    assert!(by_us >= 198, "{by_us} were read completely");
    assert!(by_us > by_zbar, "zbarimg reads {by_zbar}, we read {by_us}");
}

fn code() -> GrayImage {
    let png = Qr::encode(URI).unwrap().to_png(4).unwrap();
    image::load_from_memory(&png).unwrap().into_luma8()
}

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn a_code_is_found_where_it_is_and_once_however_often_it_is_there() {
    let code = code();
    let mut page = GrayImage::from_pixel(900, 700, Luma([255]));
    imageops::overlay(&mut page, &code, 600, 450);
    imageops::overlay(&mut page, &code, 20, 10);
    let codes = codes(&file(page, ImageFormat::Png));
    assert_eq!(texts(&codes), [URI]);
    let place = codes[0].place();
    let near = |found: u32, drawn: u32| assert!(found.abs_diff(drawn) <= 16, "{place:?}");
    let (left, top) = if place.left > 300 { (600, 450) } else { (20, 10) };
    let quiet = 4 * u32::from(enroll::MIN_PX_PER_MODULE);
    near(place.left, left + quiet);
    near(place.top, top + quiet);
    near(place.width, code.width() - 2 * quiet);
    near(place.height, code.height() - 2 * quiet);
}

/// Its border is left out, as some sites do.
fn code_without_quiet_zone() -> GrayImage {
    let code = code();
    let dark = |x: &u32, y: u32| code.get_pixel(*x, y).0[0] < 128;
    let edge = (0..code.width()).find(|at| dark(at, *at)).unwrap();
    let side = code.width() - 2 * edge;
    imageops::crop_imm(&code, edge, edge, side, side).to_image()
}

#[test]
fn item_13_a_code_without_a_quiet_zone_is_read_on_a_dark_page() {
    let code = code_without_quiet_zone();
    let mut inverted = code.clone();
    imageops::invert(&mut inverted);
    let on = |page: u8, code: &GrayImage, margin: u32| {
        let side = code.width() + 2 * margin;
        let mut picture = GrayImage::from_pixel(side, side, Luma([page]));
        imageops::replace(&mut picture, code, margin.into(), margin.into());
        let codes = codes(&file(picture, ImageFormat::Png));
        texts(&codes).into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    for page in [255, 160, 96, 64, 48, 33, 24] {
        for margin in [6, 40, 200] {
            assert_eq!(on(page, &code, margin), [URI], "page {page}, margin {margin}");
            assert_eq!(
                on(255 - page, &inverted, margin),
                [URI],
                "inverted, page {page}, margin {margin}"
            );
        }
    }
    assert_eq!(on(0, &code, 0), [URI], "nothing but the code");
    assert_eq!(on(0, &inverted, 0), [URI], "nothing but the inverted code");
}

/// Where nearly all is paper, the few greys of the ink are not taken for outliers.
#[test]
fn a_tiny_pale_code_on_a_large_page_is_found() {
    for (ink, paper) in [(0, 255), (180, 200), (200, 180)] {
        let mut page = GrayImage::from_pixel(2800, 2800, Luma([paper]));
        let mut code = code();
        code.iter_mut()
            .for_each(|grey| *grey = if *grey == 0 { ink } else { paper });
        imageops::overlay(&mut page, &code, 1234, 2345);
        assert_eq!(texts(&codes(&file(page, ImageFormat::Png))), [URI], "{ink} on {paper}");
    }
}

/// A small code in what a telephone's camera takes: the picture is shrunk, the code's place is that in the picture.
#[test]
fn a_code_in_a_large_photograph_is_found() {
    let mut photograph = GrayImage::from_fn(6000, 4000, |x, y| Luma([120 + (x / 100 + y / 80) as u8 % 100]));
    let card = imageops::resize(&code(), 600, 600, imageops::FilterType::Triangle);
    imageops::overlay(&mut photograph, &card, 4000, 2500);
    let codes = codes(&file(photograph, ImageFormat::Jpeg));
    assert_eq!(texts(&codes), [URI]);
    let place = codes[0].place();
    assert!(
        place.left.abs_diff(4050) < 50 && place.top.abs_diff(2550) < 50,
        "{place:?}"
    );
}

/// `qrencode` writes a text that is too long for the code it was told into several that say so.
#[test]
fn a_part_of_a_text_is_no_text_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut draw = Command::new("qrencode");
    let parts = ["-S", "-v", "5", "-8", "-s", "4", "-o", "part.png"];
    run(draw.args(parts).arg(URI.repeat(2)).current_dir(directory.path()));
    let first = fs::read(directory.path().join("part-01.png")).unwrap();
    let found = Picture::parse(&first).unwrap().found();
    assert!(found.codes.is_empty() && found.has_parts);

    let mut both = GrayImage::from_pixel(600, 250, Luma([255]));
    let part = image::load_from_memory(&first).unwrap().into_luma8();
    imageops::overlay(&mut both, &part, 0, 0);
    imageops::overlay(&mut both, &code(), 300, 0);
    let found = Picture::parse(&file(both, ImageFormat::Png)).unwrap().found();
    assert!(texts(&found.codes) == [URI] && found.has_parts);
    let whole = Picture::parse(&file(code(), ImageFormat::Png)).unwrap().found();
    assert!(!whole.has_parts);
}

#[test]
fn what_is_transparent_is_paper_to_dark_ink_and_night_to_light_ink() {
    let code = code();
    for ink in [0, 255] {
        let picture = image::GrayAlphaImage::from_fn(200, 200, |x, y| {
            let dark = x < code.width() && y < code.height() && code.get_pixel(x, y).0[0] == 0;
            image::LumaA([ink, if dark { 255 } else { 0 }])
        });
        assert_eq!(texts(&codes(&file(picture, ImageFormat::Png))), [URI], "ink {ink}");
    }
}

#[test]
fn what_is_no_picture_ends_in_a_sentence() {
    for (file, refusal) in [
        (b"".as_slice(), PictureError::Unknown),
        (b"otpauth://totp/a?secret=AAAA", PictureError::Unknown),
        (b"GIF89a\x01\x00\x01\x00", PictureError::Unknown),
        (b"%PDF-1.7\n", PictureError::Unknown),
        (b"\x89PNG\r\n\x1a\n", PictureError::Damaged),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", PictureError::Damaged),
        (b"BM", PictureError::Damaged),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", PictureError::Damaged),
    ] {
        assert_eq!(Picture::parse(file).err(), Some(refusal), "{file:?}");
        assert!(refusal.to_string().contains(": "), "it says what to do: {refusal}");
    }
}

#[test]
fn a_file_that_was_cut_off_is_read_or_refused() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp] {
        let whole = file(code(), format);
        assert_eq!(texts(&codes(&whole)), [URI], "{format:?}");
        for end in (0..whole.len()).step_by(whole.len() / 60) {
            match Picture::parse(&whole[..end]) {
                Ok(picture) => assert!(picture.codes().iter().all(|code| code.expose_text() == URI)),
                Err(error) => assert!(
                    [PictureError::Unknown, PictureError::Damaged].contains(&error),
                    "{format:?}"
                ),
            }
        }
    }
}

/// A few bytes that claim to be a picture larger than the memory.
#[test]
fn a_bomb_is_refused_by_its_claim() {
    let (width, height) = (40_000_u32, 40_000_u32);
    let mut bitmap = file(GrayImage::new(8, 8), ImageFormat::Bmp);
    bitmap[18..22].copy_from_slice(&width.to_le_bytes());
    bitmap[22..26].copy_from_slice(&height.to_le_bytes());
    let refusal = Picture::parse(&bitmap).err();
    assert_eq!(refusal, Some(PictureError::TooLarge { width, height }));

    let [width, height] = [60_000, 60_000];
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x06\0\0\0".to_vec();
    png.extend(crc32(&png[12..]).to_be_bytes());
    png.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
    assert_eq!(
        Picture::parse(&png).err(),
        Some(PictureError::TooLarge { width, height })
    );
    assert!(u64::from(width) * u64::from(height) > MAX_PIXELS);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// The corners of thousands of codes, and a real one among them: the work is bounded, and the largest corners are tried.
#[test]
fn a_picture_full_of_corners_of_codes_costs_no_more_than_another() {
    let corner = |x: u32, y: u32| {
        let ring = [x % 9, y % 9].map(|at| at.abs_diff(4)).into_iter().max().unwrap_or(0);
        Luma([if matches!(ring, 0 | 1 | 3) { 0 } else { 255 }])
    };
    let mut corners = GrayImage::from_fn(1200, 1200, |x, y| corner(x / 2, y / 2));
    let card = imageops::resize(&code(), 400, 400, imageops::FilterType::Nearest);
    imageops::overlay(&mut corners, &card, 300, 300);
    assert_eq!(texts(&codes(&file(corners, ImageFormat::Png))), [URI]);
}

/// Sides down to one pixel, and codes with holes: whatever is read is what was drawn.
#[test]
fn scraps_of_a_code_are_read_rightly_or_not_at_all() {
    let code = code();
    let mut random = 1_u32;
    let mut up_to = |most: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % most
    };
    let mut read = 0;
    for _ in 0..SCRAPS {
        let (left, top, width, height) = match up_to(3) {
            0 => {
                let (left, top) = (up_to(code.width() / 2), up_to(code.height() / 2));
                (
                    left,
                    top,
                    1 + up_to(code.width() - left),
                    1 + up_to(code.height() - top),
                )
            }
            _ => (0, 0, code.width(), code.height()),
        };
        let mut scrap = imageops::crop_imm(&code, left, top, width, height).to_image();
        for _ in 0..up_to(12) {
            let (side, grey) = (1 + up_to(20), up_to(256) as u8);
            let hole = GrayImage::from_pixel(side, side, Luma([grey]));
            imageops::overlay(&mut scrap, &hole, up_to(width).into(), up_to(height).into());
        }
        let codes = codes(&file(scrap, ImageFormat::Bmp));
        assert!(codes.iter().all(|code| code.expose_text() == URI));
        read += codes.len();
    }
    println!("{read} of {SCRAPS} scraps were read");
    assert!(read > 0 && read < SCRAPS, "{read} were read");
}
