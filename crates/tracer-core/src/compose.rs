//! Tracers out of tracers: all parts see every call, the finest want wins.

use parallax_hooks::{End, MessagePhase, Start, StepEnd, StepView};
use parallax_primitives::Message;

use crate::{Tracer, Wants};

macro_rules! forward {
    ($type:ty) => {
        impl<T: Tracer + ?Sized> Tracer for $type {
            fn start(&mut self, start: &Start<'_>) {
                (**self).start(start);
            }
            fn end(&mut self, end: &End<'_>) {
                (**self).end(end);
            }
            fn wants(&self) -> Wants {
                (**self).wants()
            }
            fn step(&mut self, step: &StepView<'_>) {
                (**self).step(step);
            }
            fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
                (**self).step_end(step, end);
            }
            fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
                (**self).message(message, phase);
            }
        }
    };
}

forward!(&mut T);
forward!(Box<T>);

macro_rules! many {
    ($($type:ty),+) => {$(
        impl<T: Tracer> Tracer for $type {
            fn start(&mut self, start: &Start<'_>) {
                self.iter_mut().for_each(|tracer| tracer.start(start));
            }
            fn end(&mut self, end: &End<'_>) {
                self.iter_mut().for_each(|tracer| tracer.end(end));
            }
            fn wants(&self) -> Wants {
                self.iter().map(Tracer::wants).max().unwrap_or(Wants::Nothing)
            }
            fn step(&mut self, step: &StepView<'_>) {
                self.iter_mut().for_each(|tracer| tracer.step(step));
            }
            fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
                self.iter_mut().for_each(|tracer| tracer.step_end(step, end));
            }
            fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
                self.iter_mut().for_each(|tracer| tracer.message(message, phase));
            }
        }
    )+};
}

many!(Option<T>, Vec<T>);

macro_rules! tuple {
    ($($name:ident $field:tt),+) => {
        impl<$($name: Tracer),+> Tracer for ($($name,)+) {
            fn start(&mut self, start: &Start<'_>) {
                $(self.$field.start(start);)+
            }
            fn end(&mut self, end: &End<'_>) {
                $(self.$field.end(end);)+
            }
            fn wants(&self) -> Wants {
                Wants::Nothing$(.max(self.$field.wants()))+
            }
            fn step(&mut self, step: &StepView<'_>) {
                $(self.$field.step(step);)+
            }
            fn step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
                $(self.$field.step_end(step, end);)+
            }
            fn message(&mut self, message: &Message, phase: MessagePhase<'_>) {
                $(self.$field.message(message, phase);)+
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
