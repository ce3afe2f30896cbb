//! Dead letters that are to be none any more: what the writer takes into its next commit of them, and
//! what it forgets when their rows are gone.

use super::{
    DeadLetterId, Origin,
    dead::Leaving,
    entry::{Fate, Release, Stored},
    frame::{HEADER, RECORD},
    segment::PAGE,
    writer::{Reply, Writer, answer},
};

impl Writer {
    /// A letter that was released before, and whose row is still there, is none.
    pub(super) fn admit_release(&mut self, mut letters: Vec<Leaving>, reply: Reply) {
        letters.retain(|Leaving { id, .. }| {
            let lane = self.ids.get(&id.lane).and_then(|&lane| self.lanes.get(lane as usize));
            lane.is_none_or(|lane| !lane.ledger.released.contains(&id.seq))
        });
        let size =
            |letter: &Leaving| 8 + letter.body.as_ref().map_or(0, |it| it.len() + RECORD + 4);
        let bytes: usize = letters.iter().map(size).sum();
        let frame = (HEADER + bytes) as u64 + PAGE;
        // What is purged takes no more than an acknowledgement does.
        if letters.iter().any(|letter| letter.body.is_some())
            && let Err(error) = self.room_for(frame)
        {
            answer(reply, Err(error));
            return;
        }
        if letters.is_empty() {
            answer(reply, Ok(0));
            return;
        }
        self.group.bytes += bytes;
        self.group.replies.push((reply, letters.len() as u64));
        for letter in letters {
            self.take_back(letter);
        }
    }

    fn take_back(&mut self, Leaving { id, body }: Leaving) {
        let lane = self.lane(&id.lane);
        let fate = if body.is_some() { Fate::Redriven } else { Fate::Purged };
        match self.group.releases.last_mut() {
            Some(last) if last.lane == lane && last.fate == fate => last.seqs.push(id.seq),
            _ => self.group.releases.push(Release { lane, fate, seqs: vec![id.seq] }),
        }
        if let Some(body) = body {
            let record = Stored { lanes: vec![lane], id: 0, origin: Origin::Redrive, body };
            self.group.records.push(record);
        }
    }

    pub(super) fn forget(&mut self, ids: &[DeadLetterId]) {
        for DeadLetterId { lane, seq } in ids {
            let lane = self.ids.get(lane).and_then(|&lane| self.lanes.get_mut(lane as usize));
            if let Some(lane) = lane {
                lane.ledger.released.remove(seq);
            }
        }
    }
}
