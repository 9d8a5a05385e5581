//! Hooks out of hooks. All parts see every call; the strongest control and the finest interest win.

use std::{cell::RefCell, rc::Rc};

use parallax_primitives::Message;

use crate::{End, Hooks, Interest, MessagePhase, Start, StepControl, StepEnd, StepView};

macro_rules! forward {
    ($hooks:ident => $body:expr) => {
        fn on_start(&mut self, start: &Start<'_>) {
            let $hooks = self;
            $body.on_start(start);
        }
        fn on_end(&mut self, end: &End<'_>) {
            let $hooks = self;
            $body.on_end(end);
        }
        fn interest(&self) -> Interest {
            let $hooks = self;
            $body.interest()
        }
        fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
            let $hooks = self;
            $body.on_step(step)
        }
        fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
            let $hooks = self;
            $body.on_step_end(step, end);
        }
        fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
            let $hooks = self;
            $body.on_block(entry)
        }
        fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
            let $hooks = self;
            $body.on_message(message, phase)
        }
    };
}

impl<H: Hooks + ?Sized> Hooks for &mut H {
    forward!(hooks => (**hooks));
}

impl<H: Hooks + ?Sized> Hooks for Box<H> {
    forward!(hooks => (**hooks));
}

/// For hooks that somebody else holds on to, to ask them something between two runs.
impl<H: Hooks + ?Sized> Hooks for Rc<RefCell<H>> {
    fn on_start(&mut self, start: &Start<'_>) {
        self.borrow_mut().on_start(start);
    }
    fn on_end(&mut self, end: &End<'_>) {
        self.borrow_mut().on_end(end);
    }
    fn interest(&self) -> Interest {
        self.borrow().interest()
    }
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.borrow_mut().on_step(step)
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        self.borrow_mut().on_step_end(step, end);
    }
    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.borrow_mut().on_block(entry)
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.borrow_mut().on_message(message, phase)
    }
}

/// `None` looks at nothing.
impl<H: Hooks> Hooks for Option<H> {
    fn on_start(&mut self, start: &Start<'_>) {
        self.iter_mut().for_each(|hooks| hooks.on_start(start));
    }
    fn on_end(&mut self, end: &End<'_>) {
        self.iter_mut().for_each(|hooks| hooks.on_end(end));
    }
    fn interest(&self) -> Interest {
        self.as_ref().map_or(Interest::Nothing, Hooks::interest)
    }
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.as_mut().map_or(StepControl::Continue, |hooks| hooks.on_step(step))
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        if let Some(hooks) = self {
            hooks.on_step_end(step, end);
        }
    }
    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.as_mut().map_or(StepControl::Continue, |hooks| hooks.on_block(entry))
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        self.as_mut().map_or(StepControl::Continue, |hooks| hooks.on_message(message, phase))
    }
}

impl<H: Hooks> Hooks for Vec<H> {
    fn on_start(&mut self, start: &Start<'_>) {
        self.iter_mut().for_each(|hooks| hooks.on_start(start));
    }
    fn on_end(&mut self, end: &End<'_>) {
        self.iter_mut().for_each(|hooks| hooks.on_end(end));
    }
    fn interest(&self) -> Interest {
        self.iter().map(Hooks::interest).max().unwrap_or(Interest::Nothing)
    }
    fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
        self.iter_mut().map(|hooks| hooks.on_step(step)).max().unwrap_or(StepControl::Continue)
    }
    fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
        for hooks in self {
            hooks.on_step_end(step, end);
        }
    }
    fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
        self.iter_mut().map(|hooks| hooks.on_block(entry)).max().unwrap_or(StepControl::Continue)
    }
    fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
        let answers = self.iter_mut().map(|hooks| hooks.on_message(message, phase));
        answers.max().unwrap_or(StepControl::Continue)
    }
}

macro_rules! tuple {
    ($($name:ident $field:tt),+) => {
        impl<$($name: Hooks),+> Hooks for ($($name,)+) {
            fn on_start(&mut self, start: &Start<'_>) {
                $(self.$field.on_start(start);)+
            }
            fn on_end(&mut self, end: &End<'_>) {
                $(self.$field.on_end(end);)+
            }
            fn interest(&self) -> Interest {
                Interest::Nothing$(.max(self.$field.interest()))+
            }
            fn on_step(&mut self, step: &StepView<'_>) -> StepControl {
                StepControl::Continue$(.max(self.$field.on_step(step)))+
            }
            fn on_step_end(&mut self, step: &StepView<'_>, end: &StepEnd<'_>) {
                $(self.$field.on_step_end(step, end);)+
            }
            fn on_block(&mut self, entry: &StepView<'_>) -> StepControl {
                StepControl::Continue$(.max(self.$field.on_block(entry)))+
            }
            fn on_message(&mut self, message: &Message, phase: MessagePhase<'_>) -> StepControl {
                StepControl::Continue$(.max(self.$field.on_message(message, phase)))+
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
