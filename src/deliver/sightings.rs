//! What a lane tells whoever watches: how each attempt went, and what it gave up.
//!
//! While nobody watches, nothing is built.

use std::sync::Arc;

use super::{batch::Batch, graves::Grave, lane::Lane};
use crate::{
    model::{Message, Record},
    publish::{Cause, Publish, Verdict},
    tail::{Sighting, Stage, Subject},
};

impl<P: Publish> Lane<P> {
    /// An attempt was answered.
    pub(super) fn tell_attempt(&self, batch: &Batch, verdicts: &[Verdict]) {
        if !self.surroundings.hub.is_watched() {
            return;
        }
        let sent = batch.messages.iter().zip(&batch.subjects).zip(verdicts);
        let sightings = sent.map(|((message, subject), verdict)| match verdict.cause() {
            None => self.attempted(message, subject, Stage::Delivered),
            Some(Cause { class, code, message: words }) => Sighting {
                class: Some(class.name()),
                code: Some(code.clone()),
                message: Some(words.clone()),
                ..self.attempted(message, subject, Stage::Failed)
            },
        });
        self.surroundings.hub.tell(sightings);
    }

    fn attempted(&self, message: &Message, subject: &Subject, stage: Stage) -> Sighting {
        let time = self.surroundings.clock.now();
        Sighting {
            event_id: Some(message.event_id),
            rule: message.rule.clone(),
            destination: Some(Arc::clone(&self.name)),
            ..Sighting::new(time, stage, Some(subject.clone()))
        }
    }

    /// The last that is seen of an event, told once its dead letter is durable; none if nobody
    /// watches.
    pub(super) fn death(&self, grave: &Grave, record: Option<&Record>) -> Option<Sighting> {
        if !self.surroundings.hub.is_watched() {
            return None;
        }
        let (time, ordinal) = (self.surroundings.clock.now(), grave.ticket.ordinal);
        let sighting = match record {
            Some(Record { event, rules }) => Sighting {
                rule: rules.get(ordinal).cloned().flatten(),
                ..Sighting::of(time, Stage::Dead, event)
            },
            None => Sighting::new(time, Stage::Dead, None),
        };
        Some(Sighting {
            destination: Some(Arc::clone(&self.name)),
            class: Some(grave.reason.class),
            code: Some(grave.reason.code.clone()),
            message: Some(grave.reason.message.clone()),
            ..sighting
        })
    }
}
