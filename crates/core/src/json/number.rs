//! A number's digits, and what they come to.

/// Powers of ten that have no error: what is made of two numbers without one is as near as can be.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// What serde has a word for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Natural(u64),
    Negative(i64),
    Float(f64),
}

/// The digits of a number without its sign, as far as 64 bits hold them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digits {
    significand: u64,
    /// Of ten.
    exponent: i32,
    is_float: bool,
}

impl Digits {
    pub(super) fn push(&mut self, digit: u8, is_fraction: bool) {
        let longer =
            self.significand.checked_mul(10).and_then(|tens| tens.checked_add((digit - b'0').into()));
        match longer {
            Some(longer) => {
                self.significand = longer;
                self.exponent = self.exponent.saturating_sub(is_fraction.into());
            }
            None => self.exponent = self.exponent.saturating_add((!is_fraction).into()),
        }
        self.is_float |= is_fraction || longer.is_none();
    }

    pub(super) fn scale(&mut self, exponent: i32) {
        self.exponent = self.exponent.saturating_add(exponent);
        self.is_float = true;
    }

    /// `None` where it is too large.
    pub(super) fn number(self, is_negative: bool) -> Option<Number> {
        if !self.is_float && !is_negative {
            return Some(Number::Natural(self.significand));
        }
        match 0_i64.checked_sub_unsigned(self.significand) {
            Some(negative) if !self.is_float && negative < 0 => Some(Number::Negative(negative)),
            _ => {
                let float = self.float();
                float.is_finite().then_some(Number::Float(if is_negative { -float } else { float }))
            }
        }
    }

    fn float(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a float is as near as it can be")]
        let mut float = self.significand as f64;
        let mut exponent = self.exponent;
        while exponent != 0 && float != 0.0 && float.is_finite() {
            let step = exponent.clamp(-22, 22);
            let tens = TENS[step.unsigned_abs() as usize];
            float = if step < 0 { float / tens } else { float * tens };
            exponent -= step;
        }
        float
    }
}
