//! The lanes of the verification path: a user always meets the same one, so that their requests are in one order; while
//! one lane's batch is on its way to the disk, another one judges.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use futures_util::future::join_all;
use store::Owner;

use crate::verification::{
    lane::Lane,
    request::{Answered, Request},
};

pub(crate) struct Lanes {
    all: Vec<Arc<Lane>>,
}

impl Lanes {
    /// So many, at least one.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            all: (0..count.max(1)).map(|_| Lane::new()).collect(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.all.iter()
    }

    fn place_of(&self, owner: &Owner) -> usize {
        let mut hasher = DefaultHasher::new();
        owner.hash(&mut hasher);
        (hasher.finish() % self.all.len() as u64) as usize
    }

    /// Asks about this one.
    pub(crate) async fn decide_one(&self, request: Request, waiting_per_user: usize) -> Answered {
        self.all[self.place_of(&request.owner)]
            .decide_one(request, waiting_per_user)
            .await
    }

    /// Asks about all of these; the answers stand in their order.
    pub(crate) async fn decide(&self, requests: Vec<Request>, waiting_per_user: usize) -> Vec<Answered> {
        if let [lane] = &*self.all {
            return lane.decide(requests, waiting_per_user).await;
        }
        let places: Vec<usize> = requests.iter().map(|request| self.place_of(&request.owner)).collect();
        let mut parts: Vec<Vec<Request>> = self.all.iter().map(|_| Vec::new()).collect();
        for (request, place) in requests.into_iter().zip(&places) {
            parts[*place].push(request);
        }
        let asked = self
            .all
            .iter()
            .zip(parts)
            .map(|(lane, part)| lane.decide(part, waiting_per_user));
        let mut parts: Vec<_> = join_all(asked).await.into_iter().map(Vec::into_iter).collect();
        let answers = places.iter().filter_map(|place| parts[*place].next());
        answers.collect()
    }

    /// Lets nothing more in.
    pub(crate) fn close(&self) {
        self.all.iter().for_each(|lane| lane.close());
    }
}
