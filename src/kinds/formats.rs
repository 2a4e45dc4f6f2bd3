//! The formats that are known: what they are called, by which endings and types they go, and how they begin.
//!
//! Beginnings are those of the WHATWG MIME Sniffing Standard, section 6, where it has them; of what it does not sniff, because no browser shows it, those
//! that the formats' own descriptions give.

use super::Class;

/// Bytes at a place, of which each is compared as far as its mask says; without a mask, wholly.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Where.
    pub at: usize,
    /// Which.
    pub bytes: &'static [u8],
    /// As far as compared; empty for wholly.
    pub mask: &'static [u8],
}

/// One format.
#[derive(Debug)]
pub struct Format {
    /// What it is, with its article, in a sentence.
    pub name: &'static str,
    /// Its kind.
    pub class: Class,
    /// The endings of its files, without the dot, in lower case.
    pub endings: &'static [&'static str],
    /// Its media types, in lower case.
    pub types: &'static [&'static str],
    /// How it may begin.
    pub marks: &'static [Mark],
}

const fn at(at: usize, bytes: &'static [u8]) -> Mark {
    Mark { at, bytes, mask: &[] }
}

const fn head(bytes: &'static [u8]) -> Mark {
    at(0, bytes)
}

const fn masked(bytes: &'static [u8], mask: &'static [u8]) -> Mark {
    Mark { at: 0, bytes, mask }
}

/// `RIFF`, four bytes of length, then what it is.
const RIFF: &[u8] = b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff";

macro_rules! formats {
    ($($name:literal, $class:ident, [$($ending:literal),*], [$($type:literal),*], [$($mark:expr),*];)*) => {
        &[$(Format { name: $name, class: Class::$class, endings: &[$($ending),*], types: &[$($type),*], marks: &[$($mark),*] }),*]
    };
}

/// All of them. Where two begin alike, the first counts.
pub static FORMATS: &[Format] = formats! {
    "a Windows program", Executable,
        ["exe", "dll", "scr", "com", "pif", "cpl", "ocx", "sys", "drv", "efi", "msix", "msixbundle", "appx", "appxbundle", "xll", "ax"],
        ["application/x-msdownload", "application/x-msdos-program", "application/x-dosexec", "application/vnd.microsoft.portable-executable", "application/exe",
         "application/x-exe", "application/dos-exe", "application/x-winexe", "application/msdos-windows", "application/x-ms-application",
         "application/msix", "application/appx"],
        [head(b"MZ")];
    "a Linux program", Executable, ["elf", "so", "ko", "appimage", "run", "bin"], ["application/x-executable", "application/x-elf", "application/x-sharedlib", "application/x-pie-executable", "application/vnd.appimage"],
        [head(b"\x7fELF")];
    "a macOS program", Executable, ["dylib", "macho"], ["application/x-mach-binary"],
        [head(b"\xfe\xed\xfa\xce"), head(b"\xfe\xed\xfa\xcf"), head(b"\xce\xfa\xed\xfe"), head(b"\xcf\xfa\xed\xfe")];
    // A macOS program for several machines begins alike, and is a program too.
    "a Java program", Executable, ["class", "jar", "war", "ear", "jnlp"], ["application/java-archive", "application/java-vm", "application/x-java-archive", "application/x-java-jnlp-file"],
        [head(b"\xca\xfe\xba\xbe"), head(b"\xca\xfe\xd0\x0d")];
    "an Android app", Executable, ["apk", "aab", "apks", "xapk", "apkm", "dex"], ["application/vnd.android.package-archive", "application/x-authorware-bin"], [head(b"dex\n03")];
    "an iOS app", Executable, ["ipa"], ["application/x-ios-app"], [];
    "a Windows installer", Executable, ["msi", "msp", "msm", "mst"], ["application/x-msi", "application/x-ms-installer", "application/x-windows-installer"], [];
    "a Debian package", Executable, ["deb", "udeb"], ["application/vnd.debian.binary-package", "application/x-debian-package", "application/x-deb"],
        [head(b"!<arch>\ndebian")];
    "an RPM package", Executable, ["rpm"], ["application/x-rpm", "application/x-redhat-package-manager"], [head(b"\xed\xab\xee\xdb")];
    "a snap or flatpak", Executable, ["snap", "flatpak", "flatpakref"], ["application/vnd.snap", "application/vnd.flatpak", "application/vnd.flatpak.ref"], [];
    "a macOS installer", Executable, ["pkg", "mpkg"], ["application/vnd.apple.installer+xml", "application/x-newton-compatible-pkg"], [head(b"xar!")];
    "a Windows shortcut", Executable, ["lnk", "scf"], ["application/x-ms-shortcut"], [head(b"L\0\0\0\x01\x14\x02\0")];
    "a Windows help file with a program in it", Executable, ["chm"], ["application/vnd.ms-htmlhelp"], [head(b"ITSF")];
    "a Flash film", Executable, ["swf"], ["application/x-shockwave-flash", "application/vnd.adobe.flash.movie"], [head(b"FWS"), head(b"CWS"), head(b"ZWS")];
    "a script", Script,
        ["bat", "cmd", "ps1", "psm1", "psd1", "vbs", "vbe", "vb", "jse", "wsf", "wsh", "wsc", "hta", "reg", "inf", "sh", "bash", "zsh", "csh", "ksh", "command",
         "applescript", "scpt", "workflow"],
        ["application/x-sh", "application/x-shellscript", "text/x-shellscript", "application/x-csh", "application/x-bat", "application/x-msdos-batch",
         "application/hta", "text/vbscript", "application/x-powershell", "text/x-sh"],
        [head(b"#!")];
    "a Chrome extension", Extension, ["crx"], ["application/x-chrome-extension"], [head(b"Cr24")];
    "a Firefox extension", Extension, ["xpi"], ["application/x-xpinstall"], [];
    "a Safari extension", Extension, ["safariextz"], ["application/x-safari-safariextz"], [];
    "a ZIP archive", Archive, ["zip", "zipx"], ["application/zip", "application/x-zip-compressed", "application/x-zip", "multipart/x-zip"],
        [head(b"PK\x03\x04"), head(b"PK\x05\x06"), head(b"PK\x07\x08"), head(b"PK00PK\x03\x04")];
    "a 7z archive", Archive, ["7z", "001"], ["application/x-7z-compressed"], [head(b"7z\xbc\xaf\x27\x1c")];
    "a RAR archive", Archive, ["rar", "r00"], ["application/vnd.rar", "application/x-rar-compressed", "application/x-rar"], [head(b"Rar!\x1a\x07")];
    "a gzip archive", Archive, ["gz", "tgz", "taz", "gzip"], ["application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar-compressed"], [head(b"\x1f\x8b\x08")];
    "a compressed file", Archive, ["z"], ["application/x-compress"], [head(b"\x1f\x9d"), head(b"\x1f\xa0")];
    "a bzip2 archive", Archive, ["bz2", "tbz", "tbz2", "bz"], ["application/x-bzip2", "application/x-bzip"],
        [masked(b"BZh\x301AY", b"\xff\xff\xff\xf0\xff\xff\xff")];
    "an xz archive", Archive, ["xz", "txz"], ["application/x-xz"], [head(b"\xfd7zXZ\0")];
    "an lzma archive", Archive, ["lzma", "lz", "tlz", "lzo"], ["application/x-lzma", "application/x-lzip", "application/lzip", "application/x-lzop"],
        [head(b"LZIP"), head(b"\x5d\0\0\x80\0\xff\xff\xff\xff"), head(b"\x89LZO\0\r\n\x1a\n")];
    "a Zstandard archive", Archive, ["zst", "tzst"], ["application/zstd", "application/x-zstd"], [head(b"\x28\xb5\x2f\xfd"), masked(b"\x50\x2a\x4d\x18", b"\xf0\xff\xff\xff")];
    "an LZ4 archive", Archive, ["lz4"], ["application/x-lz4"], [head(b"\x04\x22\x4d\x18")];
    "a brotli archive", Archive, ["br"], [], [];
    "a Windows cabinet", Archive, ["cab"], ["application/vnd.ms-cab-compressed", "application/x-cab"], [head(b"MSCF\0\0\0\0")];
    "a tar archive", Archive, ["tar"], ["application/x-tar", "application/x-gtar", "application/tar"], [at(257, b"ustar\0"), at(257, b"ustar ")];
    "an archive of libraries", Archive, ["a", "ar"], ["application/x-archive"], [head(b"!<arch>\n")];
    "an LHA archive", Archive, ["lha", "lzh"], ["application/x-lzh-compressed", "application/x-lha"],
        [Mark { at: 2, bytes: b"-lh0-", mask: b"\xff\xff\xff\xf8\xff" }, at(2, b"-lzs-")];
    "an ARJ archive", Archive, ["arj"], ["application/x-arj"], [Mark { at: 0, bytes: b"\x60\xea\0\0\0\0\0\0\0\0\x02", mask: b"\xff\xff\0\0\0\0\0\0\0\0\xff" }];
    "an ACE archive", Archive, ["ace"], ["application/x-ace-compressed"], [at(7, b"**ACE**")];
    "a cpio archive", Archive, ["cpio"], ["application/x-cpio"], [head(b"070701"), head(b"070702"), head(b"070707")];
    "a disk image", DiskImage,
        ["iso", "img", "dmg", "vhd", "vhdx", "vmdk", "vdi", "qcow2", "wim", "esd", "ova", "ovf", "nrg", "mdf", "toast", "udf", "ima", "sparseimage"],
        ["application/x-iso9660-image", "application/x-cd-image", "application/x-apple-diskimage", "application/vnd.efi.iso", "application/vnd.efi.img",
         "application/x-raw-disk-image", "application/x-virtualbox-vdi", "application/x-virtualbox-ova", "application/x-virtualbox-vmdk", "application/x-qemu-disk"],
        [head(b"conectix"), head(b"vhdxfile"), head(b"KDMV"), head(b"QFI\xfb"), head(b"MSWIM\0\0\0"), at(64, b"\x7f\x10\xda\xbe"), head(b"hsqs")];
    "a document with macros", Macros, ["docm", "dotm", "xlsm", "xltm", "xlam", "xlsb", "pptm", "potm", "ppsm", "ppam", "sldm"],
        ["application/vnd.ms-word.document.macroenabled.12", "application/vnd.ms-word.template.macroenabled.12", "application/vnd.ms-excel.sheet.macroenabled.12",
         "application/vnd.ms-excel.template.macroenabled.12", "application/vnd.ms-excel.addin.macroenabled.12", "application/vnd.ms-excel.sheet.binary.macroenabled.12",
         "application/vnd.ms-powerpoint.presentation.macroenabled.12", "application/vnd.ms-powerpoint.template.macroenabled.12",
         "application/vnd.ms-powerpoint.slideshow.macroenabled.12", "application/vnd.ms-powerpoint.addin.macroenabled.12"],
        [];
    "a PDF document", Document, ["pdf"], ["application/pdf", "application/x-pdf"], [head(b"%PDF-")];
    "a PostScript document", Document, ["ps", "eps"], ["application/postscript"], [head(b"%!PS-Adobe-")];
    "an Office document", Document,
        ["doc", "dot", "xls", "xlt", "ppt", "pps", "pot", "docx", "dotx", "xlsx", "xltx", "pptx", "ppsx", "potx", "vsd", "vsdx", "pub", "one", "odt", "ods", "odp", "odg",
         "odf", "epub", "rtf", "pages", "numbers", "key", "xps", "oxps"],
        ["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.openxmlformats-officedocument.presentationml.presentation",
         "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.presentation",
         "application/epub+zip", "application/rtf", "text/rtf", "application/vnd.visio", "application/onenote"],
        [head(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), head(b"{\\rtf")];
    "a torrent", Torrent, ["torrent"], ["application/x-bittorrent"], [head(b"d8:announce"), head(b"d13:announce-list"), head(b"d4:info")];
    "a PNG picture", Image, ["png", "apng"], ["image/png", "image/apng"], [head(b"\x89PNG\r\n\x1a\n")];
    "a JPEG picture", Image, ["jpg", "jpeg", "jpe", "jfif"], ["image/jpeg", "image/jpg"], [head(b"\xff\xd8\xff")];
    "a GIF picture", Image, ["gif"], ["image/gif"], [head(b"GIF87a"), head(b"GIF89a")];
    "a WebP picture", Image, ["webp"], ["image/webp"], [masked(b"RIFF\0\0\0\0WEBPVP", RIFF)];
    "a picture", Image, ["bmp", "ico", "cur", "tif", "tiff", "svg", "svgz", "avif", "heic", "heif", "jxl", "psd"],
        ["image/bmp", "image/x-icon", "image/vnd.microsoft.icon", "image/tiff", "image/svg+xml", "image/avif", "image/heic", "image/heif", "image/jxl", "image/vnd.adobe.photoshop"],
        [head(b"\0\0\x01\0"), head(b"\0\0\x02\0"), head(b"BM"), head(b"II*\0"), head(b"MM\0*"), head(b"8BPS"), at(4, b"ftypavif"), at(4, b"ftypheic"), at(4, b"ftypmif1")];
    "sound", Audio, ["mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac", "mid", "midi", "aif", "aiff", "wma", "weba", "m3u", "m3u8"],
        ["application/ogg"],
        [head(b"ID3"), head(b"OggS\0"), head(b"MThd\0\0\0\x06"), masked(b"RIFF\0\0\0\0WAVE", &[255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255]),
         masked(b"FORM\0\0\0\0AIFF", &[255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255]), head(b".snd"), head(b"fLaC"), at(4, b"ftypM4A")];
    "a video", Video, ["mp4", "m4v", "webm", "mkv", "mov", "avi", "wmv", "flv", "mpg", "mpeg", "3gp", "ogv", "ts", "m2ts", "m4s", "vob"],
        ["application/vnd.apple.mpegurl", "application/x-mpegurl", "application/dash+xml"],
        [at(4, b"ftyp"), head(b"\x1aE\xdf\xa3"), masked(b"RIFF\0\0\0\0AVI ", &[255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255]), head(b"FLV\x01"), head(b"\0\0\x01\xba"),
         head(b"\0\0\x01\xb3"), head(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")];
    "a font", Font, ["ttf", "otf", "ttc", "woff", "woff2", "eot"],
        ["application/font-woff", "application/x-font-ttf", "application/x-font-otf", "application/vnd.ms-fontobject", "application/font-sfnt"],
        [head(b"\0\x01\0\0"), head(b"OTTO"), head(b"ttcf"), head(b"wOFF"), head(b"wOF2")];
};

/// The format whose files end so.
#[must_use]
pub fn by_ending(ending: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.endings.contains(&ending))
}

/// The format of a media type, without parameters, in lower case.
#[must_use]
pub fn by_type(essence: &str) -> Option<&'static Format> {
    let by_name = |name: &str| FORMATS.iter().find(|format| format.name == name);
    FORMATS.iter().find(|format| format.types.contains(&essence)).or_else(|| match essence.split_once('/')?.0 {
        "image" => by_name("a picture"),
        "audio" => by_name("sound"),
        "video" => by_name("a video"),
        "font" => by_name("a font"),
        _ => None,
    })
}

/// The format of this name in the table.
pub(super) fn called(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
