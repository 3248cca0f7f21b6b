//! Usual cities: a login from elsewhere is suspicious (P5).

use std::net::IpAddr;

use store::{Owner, UsualCities, UsualCity};
use subtle::ConstantTimeEq;
use verify::UnixMs;

use crate::{
    Client, Core, ServiceError,
    ports::{Location, PortError, Sealer},
};

/// Usual cities of one user; of more, the one that was longest not seen is unusual again.
pub(crate) const CITIES_MAX: usize = 10;

impl Core {
    /// Where this client is, as far as the operator's database of cities knows.
    pub(crate) fn location(&self, client: Option<&Client>) -> Location {
        let address = client.and_then(|client| client.ip.as_deref()?.parse::<IpAddr>().ok());
        address.map_or(Location::Unknown, |address| self.cities.locate(address))
    }

    /// Whether a login from there is outside the user's usual cities. Nothing is where no database tells cities.
    pub(crate) async fn is_unusual(
        &self,
        owner: &Owner,
        location: &Location,
        now: UnixMs,
    ) -> Result<bool, ServiceError> {
        let city = match location {
            _ if !self.cities.is_in_force() => return Ok(false),
            Location::UsualNetwork => return Ok(false),
            Location::Unknown => return Ok(true),
            Location::City(city) => city,
        };
        let Some(usual) = self.store.usual_cities(owner).await? else {
            return Ok(true);
        };
        Ok(place_of(&*self.sealer, &usual, city, now)?.is_none())
    }
}

/// The city's place among those that are still usual.
fn place_of(sealer: &dyn Sealer, usual: &UsualCities, city: &str, now: UnixMs) -> Result<Option<usize>, PortError> {
    for (place, known) in usual.cities.iter().enumerate() {
        let is_kept = now.since(known.last_seen_at) < UsualCities::KEPT_MS;
        if is_kept && bool::from(mac_of(sealer, known.key_id, &usual.owner, city)?.ct_eq(&known.mac)) {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn mac_of(sealer: &dyn Sealer, key_id: u32, owner: &Owner, city: &str) -> Result<[u8; 32], PortError> {
    // No name has a control character.
    let data = [&*owner.account, &*owner.user, city].join("\0");
    sealer.mac(key_id, "usual_city", data.as_bytes())
}

/// Takes note of a login with a fresh factor from this city; `false` where that changes nothing.
pub(crate) fn seen(
    sealer: &dyn Sealer,
    usual: &mut UsualCities,
    city: &str,
    now: UnixMs,
) -> Result<bool, ServiceError> {
    if let Some(place) = place_of(sealer, usual, city, now)? {
        let known = &mut usual.cities[place];
        let is_older = now.since(known.last_seen_at) >= UnixMs::DAY;
        if is_older {
            known.last_seen_at = now;
        }
        return Ok(is_older);
    }
    let key_id = sealer.current_mac_key();
    let mac = mac_of(sealer, key_id, &usual.owner, city)?;
    usual
        .cities
        .retain(|known| now.since(known.last_seen_at) < UsualCities::KEPT_MS);
    usual.cities.push(UsualCity {
        mac,
        key_id,
        last_seen_at: now,
    });
    if usual.cities.len() > CITIES_MAX {
        let oldest = usual
            .cities
            .iter()
            .enumerate()
            .min_by_key(|(_, known)| known.last_seen_at);
        if let Some((oldest, _)) = oldest {
            usual.cities.remove(oldest);
        }
    }
    Ok(true)
}
