//! The process that fills a store, and ends.

use std::{fmt::Write as _, path::Path};

use service::{Caller, NewImport, OpenedBy, SeedFile, SeedOptions, Service, Settings};

use crate::{Any, filled::Filled, trail};

/// The lot whose tokens nobody bound.
pub(crate) const LOT: &str = "load";
/// As many as one import takes.
const TOKENS: u32 = 10_000;

/// Binds so many devices in the store of this directory, takes a lot in, writes so many more events, and closes it.
pub(crate) fn fill(dir: &Path, devices: u32, events: u64) -> Any<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let filled = Filled::new(dir, devices).await?;
        trail::fill(&*filled.engine, devices, events).await?;
        let service = Service::start(filled.ports(filled.engine.clone()), Settings::default()).await?;
        stock(&service, devices.min(TOKENS)).await?;
        service.close().await;
        service.close_trail(&Caller::system()).await?;
        drop(service);
        filled.engine.close()?;
        Ok(())
    })
}

/// Takes a lot of blank tokens in.
async fn stock(service: &Service, tokens: u32) -> Any<()> {
    let mut table = String::from("serial,secret\n");
    for number in 0..tokens {
        writeln!(
            table,
            "CS-{number:06},{:040x}",
            u128::from(number + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060
        )?;
    }
    let file = SeedFile {
        options: SeedOptions::default(),
        bytes: table.into_bytes().into(),
        opened_by: OpenedBy::Nothing,
    };
    let wanted = NewImport {
        lot: LOT.into(),
        ..NewImport::default()
    };
    let receipt = service.import_file(&Caller::shell(), file, &wanted).await?;
    match receipt.imported == tokens as usize {
        true => Ok(()),
        false => Err(format!("the lot did not come in: {receipt:?}").into()),
    }
}
