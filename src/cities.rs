//! The operator's database of cities (MaxMind DB 2.0), read anew when its file changes; and `[cities]` of the config file.

use std::{
    fmt, fs,
    net::IpAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use maxminddb::{Reader, geoip2};
use serde::Deserialize;
use server::Network;
use service::{Cities, Location};

use crate::Failure;

/// `[cities]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct CitiesTable {
    /// A MaxMind DB file with cities, as MaxMind, DB-IP and others have them.
    database: Option<PathBuf>,
    /// Networks from which a login is usual for everybody: offices, the own data centres.
    #[serde(default)]
    usual_networks: Vec<String>,
}

impl CitiesTable {
    /// The database as its file is now.
    pub(crate) fn open(&self) -> Result<CityDatabase, Failure> {
        let networks = self.usual_networks.iter().enumerate().map(|(at, network)| {
            let wrong = |error| Failure::usage(format!("cities.usual_networks, entry {}: {error}", at + 1));
            network.parse().map_err(wrong)
        });
        let networks = networks.collect::<Result<Vec<Network>, Failure>>()?;
        CityDatabase::open(self.database.as_deref(), networks).map_err(|error| {
            Failure::usage(format!("cities.database: {error}"))
                .help("name a MaxMind DB file with cities, or leave it out: suspicious-login protection is off then")
        })
    }
}

type Loaded = Arc<Reader<Vec<u8>>>;

/// A database of cities in a file, or none, which whoever renews it may replace at any time.
#[derive(Default)]
pub struct CityDatabase {
    usual_networks: Vec<Network>,
    file: Option<DatabaseFile>,
}

struct DatabaseFile {
    path: PathBuf,
    loaded: RwLock<Loaded>,
    /// Of the file that was last looked at, be it good or bad.
    seen: Mutex<Option<Stamp>>,
}

/// What changes when a file does: inode, length, time of its last change.
type Stamp = (u64, u64, i64, i64);

/// Why a file is no database of cities.
#[derive(Debug)]
pub struct BadDatabase(String);

impl fmt::Display for BadDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadDatabase {}

impl CityDatabase {
    /// Reads the file, if one is named; logins from these networks are usual.
    pub fn open(path: Option<&Path>, usual_networks: Vec<Network>) -> Result<Self, BadDatabase> {
        let file = path.map(DatabaseFile::open).transpose()?;
        Ok(Self { usual_networks, file })
    }

    /// Reads the file again if it changed since the last look. A bad one leaves what was read before, and is told once.
    pub fn look(&self) {
        if let Some(file) = &self.file {
            file.look();
        }
    }
}

impl DatabaseFile {
    fn open(path: &Path) -> Result<Self, BadDatabase> {
        let stamp = stamp(path)?;
        Ok(Self {
            path: path.to_owned(),
            loaded: RwLock::new(Arc::new(read(path)?)),
            seen: Mutex::new(Some(stamp)),
        })
    }

    fn look(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamp(&self.path);
        // Before it is read: what is written meanwhile is seen at the next look.
        let stamp = found.as_ref().ok().copied();
        if *seen == stamp {
            return;
        }
        *seen = stamp;
        match found.and_then(|_| read(&self.path)) {
            Ok(reader) => {
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(reader);
                tracing::info!("the database of cities was renewed");
            }
            Err(error) => tracing::warn!(%error, "the new database of cities is not taken; the one of before goes on"),
        }
    }

    fn loaded(&self) -> Loaded {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Cities for CityDatabase {
    fn is_in_force(&self) -> bool {
        self.file.is_some()
    }

    fn locate(&self, address: IpAddr) -> Location {
        let address = address.to_canonical();
        if self.usual_networks.iter().any(|network| network.contains(address)) {
            return Location::UsualNetwork;
        }
        let city = self.file.as_ref().and_then(|file| city(&file.loaded(), address));
        city.map_or(Location::Unknown, Location::City)
    }
}

/// Country, first subdivision and city, such as `CN/GD/Shenzhen`; nothing for an address whose city is not known.
fn city(reader: &Reader<Vec<u8>>, address: IpAddr) -> Option<String> {
    let found: geoip2::City<'_> = reader.lookup(address).ok()?.decode().ok()??;
    let name = found.city.names.english?;
    let country = found.country.iso_code.unwrap_or_default();
    let subdivision = found.subdivisions.first();
    let subdivision = subdivision.and_then(|subdivision| subdivision.iso_code.or(subdivision.names.english));
    let city = format!("{country}/{}/{name}", subdivision.unwrap_or_default());
    (!city.contains(char::is_control)).then_some(city)
}

fn stamp(path: &Path) -> Result<Stamp, BadDatabase> {
    let found = fs::metadata(path).map_err(|error| bad(path, &error))?;
    Ok((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// All of it is looked through, so that no lookup meets what was cut off.
fn read(path: &Path) -> Result<Reader<Vec<u8>>, BadDatabase> {
    let reader = Reader::open_readfile(path).map_err(|error| bad(path, &error))?;
    reader.verify().map_err(|error| bad(path, &error))?;
    Ok(reader)
}

fn bad(path: &Path, error: &dyn fmt::Display) -> BadDatabase {
    BadDatabase(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use mmdb_writer::{Value, Writer};

    use super::*;

    /// A database in which this network is in this city.
    fn database(network: &str, city: Option<&str>) -> Vec<u8> {
        let text = |text: &str| Value::from(text);
        let names = |name: &str| Value::map([("names", Value::map([("en", text(name))]))]);
        let country = Value::map([("iso_code", text("CN"))]);
        let mut fields = vec![("country", country.clone())];
        if let Some(city) = city {
            fields.push(("city", names(city)));
            fields.push(("subdivisions", Value::array([Value::map([("iso_code", text("GD"))])])));
        }
        let description = [("en", "Cities of a test")];
        let mut writer = Writer::builder("Test-City").description(&description).build();
        let network = network.parse::<ipnet::IpNet>().expect("a network");
        writer.insert_value(network, Value::map(fields)).expect("it fits");
        writer.to_bytes().expect("a database")
    }

    fn at(address: &str) -> IpAddr {
        address.parse().expect("an address")
    }

    fn shenzhen() -> Location {
        Location::City("CN/GD/Shenzhen".into())
    }

    /// Puts a file in the place of another, as those do who renew one.
    fn replace(path: &Path, bytes: &[u8]) {
        let new = path.with_extension("new");
        fs::write(&new, bytes).expect("it is written");
        fs::rename(&new, path).expect("it is renamed");
    }

    #[test]
    fn p5_a_city_is_told_by_country_subdivision_and_name() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("city.mmdb");
        fs::write(&path, database("198.41.0.0/24", Some("Shenzhen"))).expect("it is written");
        let office = "10.0.0.0/8".parse().expect("a network");
        let cities = CityDatabase::open(Some(&path), vec![office]).expect("a database");
        assert!(cities.is_in_force());
        assert_eq!(cities.locate(at("198.41.0.7")), shenzhen());
        assert_eq!(cities.locate(at("::ffff:198.41.0.7")), shenzhen(), "as IPv6 writes it");
        assert_eq!(cities.locate(at("198.41.1.7")), Location::Unknown);
        assert_eq!(cities.locate(at("2001:db8::7")), Location::Unknown);
        assert_eq!(cities.locate(at("10.1.2.3")), Location::UsualNetwork);
        assert_eq!(cities.locate(at("192.168.0.1")), Location::Unknown);
        replace(&path, &database("198.41.0.0/24", None));
        cities.look();
        assert_eq!(
            cities.locate(at("198.41.0.7")),
            Location::Unknown,
            "a country is no city"
        );
    }

    #[test]
    fn p5_a_new_file_is_taken_and_a_bad_one_is_not() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("city.mmdb");
        let good = database("198.41.0.0/24", Some("Shenzhen"));
        fs::write(&path, &good).expect("it is written");
        let cities = CityDatabase::open(Some(&path), Vec::new()).expect("a database");
        for bad in [&b"nothing"[..], &[], &good[..good.len() / 2], &good[good.len() / 2..]] {
            replace(&path, bad);
            cities.look();
            assert_eq!(cities.locate(at("198.41.0.7")), shenzhen(), "the one of before goes on");
            assert!(
                CityDatabase::open(Some(&path), Vec::new()).is_err(),
                "and no start takes it"
            );
        }
        fs::remove_file(&path).expect("it is gone");
        cities.look();
        assert_eq!(cities.locate(at("198.41.0.7")), shenzhen());
        replace(&path, &database("198.41.0.0/24", Some("Dongguan")));
        cities.look();
        assert_eq!(cities.locate(at("198.41.0.7")), Location::City("CN/GD/Dongguan".into()));
    }

    #[test]
    fn without_a_file_nothing_is_in_force() {
        let cities = CitiesTable::default().open().expect("nothing is named");
        assert!(!cities.is_in_force());
        let table = |database: Option<&str>, network: &str| CitiesTable {
            database: database.map(PathBuf::from),
            usual_networks: vec![network.into()],
        };
        for (database, network) in [(None, "10.0.0.0/33"), (Some("/nowhere/city.mmdb"), "10.0.0.0/8")] {
            assert!(table(database, network).open().is_err());
        }
    }
}
