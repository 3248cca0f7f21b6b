//! Programs that the tests need beside Rust, a C compiler and make, with their Debian packages.

use std::process::Command;

use crate::{machine, report::Outcome};

/// Features that are off, and yet tested: the tests bring a desktop of their own.
pub(crate) const TESTED_FEATURES: &str = "clipboard,keyring,screen";

struct Tool {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

/// Independent judges: programs by other hands that say whether ours are right.
const TEST_TOOLS: &[Tool] = &[
    Tool {
        program: "faketime",
        package: "faketime",
        why: "moves the wall clock of a running service",
    },
    Tool {
        program: "oathtool",
        package: "oathtool",
        why: "computes codes to compare ours with",
    },
    Tool {
        program: "python3",
        package: "python3",
        why: "computes the codes that oathtool does not know",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/pip/__init__.py",
        package: "python3-pip",
        why: "installs the judges that Debian has no packages of",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/jwt/__init__.py",
        package: "python3-jwt",
        why: "verifies the grants that we sign",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/cryptography/__init__.py",
        package: "python3-cryptography",
        why: "lets python3-jwt verify Ed25519",
    },
    Tool {
        program: "zbarimg",
        package: "zbar-tools",
        why: "reads the QR codes that we draw",
    },
    Tool {
        program: "sqlite3",
        package: "sqlite3",
        why: "checks the integrity of the databases that we write",
    },
    Tool {
        program: "pskctool",
        package: "pskctool",
        why: "validates the seed files that we write, and signs some for us to read",
    },
    Tool {
        // the programs of python3-pskc, which comes with them
        program: "pskc2pskc",
        package: "pskc-utils",
        why: "opens the seed files that we encrypt, and encrypts some for us to read",
    },
    Tool {
        program: "openssl",
        package: "openssl",
        why: "makes the key with which pskctool signs",
    },
    Tool {
        program: "age",
        package: "age",
        why: "opens the exports that we encrypt",
    },
    Tool {
        program: "qrencode",
        package: "qrencode",
        why: "makes the QR codes of the pictures that we read",
    },
    Tool {
        program: "zint",
        package: "zint",
        why: "makes the other barcodes, in which we are to read nothing",
    },
    Tool {
        // a module of Debian's Python is the file that it is in, and so is a font
        program: "/usr/lib/python3/dist-packages/PIL/Image.py",
        package: "python3-pil",
        why: "draws the pictures that we read, and takes screenshots",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/numpy/__init__.py",
        package: "python3-numpy",
        why: "tilts, shades and blots the pictures that we read",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/argon2/__init__.py",
        package: "python3-argon2",
        why: "derives the keys of vaults by another hand",
    },
    Tool {
        program: "/usr/lib/python3/dist-packages/nacl/__init__.py",
        package: "python3-nacl",
        why: "opens vaults by another hand",
    },
    Tool {
        program: "mkfs.vfat",
        package: "dosfstools",
        why: "makes the stick that a vault is kept on",
    },
    Tool {
        program: "fusefat",
        package: "fusefat",
        why: "mounts that stick",
    },
    Tool {
        program: "dbus-daemon",
        package: "dbus",
        why: "is the bus of a desktop's session",
    },
    Tool {
        program: "gnome-keyring-daemon",
        package: "gnome-keyring",
        why: "is the keyring on it",
    },
    Tool {
        program: "secret-tool",
        package: "libsecret-tools",
        why: "sees what we left in that keyring",
    },
    Tool {
        program: "Xvfb",
        package: "xvfb",
        why: "is the screen of a terminal that shows a QR code",
    },
    Tool {
        program: "xterm",
        package: "xterm",
        why: "is that terminal",
    },
    Tool {
        program: "xclip",
        package: "xclip",
        why: "copies and pastes on that screen",
    },
    Tool {
        program: "/usr/share/fonts/X11/misc/6x13-ISO8859-1.pcf.gz",
        package: "xfonts-base",
        why: "has the terminal's own font",
    },
    Tool {
        program: "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
        package: "fonts-dejavu-core",
        why: "has a font whose blocks do not touch each other",
    },
    Tool {
        program: "chromium",
        package: "chromium",
        why: "is the browser that shows our pages",
    },
    Tool {
        program: "chromedriver",
        package: "chromium-driver",
        why: "clicks and types in that browser",
    },
    Tool {
        program: "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        package: "fonts-noto-cjk",
        why: "has the Chinese characters of those pages",
    },
    EMULATOR,
];

const EMULATOR: Tool = Tool {
    program: "qemu-system-arm",
    package: "qemu-system-arm",
    why: "is the board that the token's firmware runs on",
};

/// Sees to it that the tests find the programs they start.
pub(crate) fn ensure_test_tools() -> Outcome {
    ensure(TEST_TOOLS)
}

/// Sees to it that there is a board to run the firmware on.
pub(crate) fn ensure_emulator() -> Outcome {
    ensure(&[EMULATOR])
}

fn ensure(tools: &[Tool]) -> Outcome {
    let missing: Vec<&Tool> = tools
        .iter()
        .filter(|tool| !machine::has_program(tool.program))
        .collect();
    for Tool { program, package, why } in &missing {
        eprintln!("   {program} is missing ({why}): Debian package {package}");
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    install(&packages)?;
    match tools.iter().find(|tool| !machine::has_program(tool.program)) {
        Some(tool) => Err(format!(
            "{} is installed and yet {} is not in PATH",
            tool.package, tool.program
        )),
        None => Ok(tools.iter().map(|tool| tool.program).collect::<Vec<_>>().join(", ")),
    }
}

/// Installs packages with apt when this is root, else says who has to do what.
pub(crate) fn install(packages: &[&str]) -> Outcome {
    let wish = packages.join(" ");
    if packages.is_empty() {
        return Ok(String::new());
    }
    if !machine::has_program("apt-get") {
        return Err(format!(
            "install what Debian calls {wish}: this machine has no apt-get to do it with"
        ));
    }
    if !machine::is_root() {
        return Err(format!(
            "run `apt-get install {wish}` as root, or this command as root, which does it itself"
        ));
    }
    eprintln!("   apt-get install {wish}");
    machine::output(apt_get().arg("update"))?;
    machine::output(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )?;
    Ok(format!("installed {wish}"))
}

fn apt_get() -> Command {
    let mut apt_get = Command::new("apt-get");
    apt_get
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-qq", "-o", "DPkg::Lock::Timeout=600"]);
    apt_get
}
