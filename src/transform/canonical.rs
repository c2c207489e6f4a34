//! One meaning, one text: dead words are removed, equal ones made equal, and the rest is written in one order.

use super::{Anchor, Gravity, ResizeType, Transform};

// === impl Transform ===

impl Transform {
    /// The same pictures with fewer words: what cannot change any result is set to its default, and a device pixel
    /// ratio is multiplied into the sides where nothing else depends on it.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.crop = self.crop.filter(|crop| crop.width > 0.0 || crop.height > 0.0);
        let general = self.gravity;
        if let Some(crop) = &mut self.crop {
            let whole = |side: f64| if side >= 1.0 { side.trunc() } else { side };
            crop.width = whole(crop.width);
            crop.height = whole(crop.height);
            crop.gravity = Some(tidy_gravity(crop.gravity.unwrap_or(general)));
        }
        if self.width == 0 || self.height == 0 {
            self.extend_aspect = None;
            // With one side there is nothing to fill; `force` alone still distorts.
            if self.resize != ResizeType::Force || self.width == self.height {
                self.resize = ResizeType::Fit;
            }
        }
        if self.width == 0 && self.height == 0 {
            self.extend = None;
        } else if self.extend.is_some() {
            self.extend_aspect = None;
        }
        self.fold_dpr();
        self.gravity = if self.may_cut() { tidy_gravity(self.gravity) } else { Gravity::default() };
        self.extend = self.extend.map(tidy_gravity);
        self.extend_aspect = self.extend_aspect.map(tidy_gravity);
        if self.pixelate == 1 {
            self.pixelate = 0;
        }
        self.keep_copyright &= self.strip_metadata;
        self.skip_processing.retain(|skipped| self.format.is_none_or(|asked| asked == *skipped));
        self.skip_processing.sort_unstable();
        self.skip_processing.dedup();
        self
    }

    /// The text of which a cache key is made; equal for equal transforms, and [`Transform::from_canonical`] reads it
    /// back. Call it on a [`Transform::normalised`] value.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).expect("invariant: a transform is plain data")
    }

    /// The transform that [`Transform::canonical`] wrote; nothing if the text is not one.
    pub fn from_canonical(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether the general gravity can matter: only if the scaled picture may be larger than the box.
    const fn may_cut(&self) -> bool {
        !matches!(self.resize, ResizeType::Fit | ResizeType::Force) || self.min_width > 0 || self.min_height > 0
    }

    fn fold_dpr(&mut self) {
        let sides = [f64::from(self.width) * self.dpr, f64::from(self.height) * self.dpr];
        let whole = sides.iter().all(|side| side.fract() == 0.0 && *side <= f64::from(u32::MAX));
        let sized = self.width > 0 || self.height > 0;
        let alone = self.zoom_x == 1.0 && self.zoom_y == 1.0 && self.min_width == 0 && self.min_height == 0;
        let plain = self.resize == ResizeType::Fit || self.enlarge && !has_pixels(self.gravity);
        let framed = self.extend.is_some() || self.extend_aspect.is_some() || !self.padding.is_none();
        if whole && sized && alone && plain && !framed {
            self.width = sides[0] as u32;
            self.height = sides[1] as u32;
            self.dpr = 1.0;
        }
    }
}

/// Whether an offset is in pixels, which the device pixel ratio multiplies.
fn has_pixels(gravity: Gravity) -> bool {
    gravity.anchor != Anchor::Focus && (gravity.x.abs() >= 1.0 || gravity.y.abs() >= 1.0)
}

fn tidy_gravity(gravity: Gravity) -> Gravity {
    if gravity.anchor == Anchor::Smart {
        return Gravity { anchor: Anchor::Smart, x: 0.0, y: 0.0 };
    }
    // Minus zero is zero.
    Gravity { anchor: gravity.anchor, x: gravity.x + 0.0, y: gravity.y + 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::{Plan, Size};
    use super::*;
    use proptest::prelude::*;

    fn sized(resize: ResizeType, width: u32, height: u32) -> Transform {
        Transform { resize, width, height, ..Transform::default() }
    }

    #[test]
    fn the_default_is_short_and_reads_back() {
        let text = Transform::default().normalised().canonical();
        assert_eq!(
            text,
            r#"{"auto_rotate":true,"strip_metadata":true,"keep_copyright":true,"strip_color_profile":true}"#
        );
        assert_eq!(Transform::from_canonical(&text), Some(Transform::default()));
        assert_eq!(Transform::from_canonical("{\"widht\":1}"), None);
    }

    #[test]
    fn a_copyright_that_is_to_go_is_not_kept_by_whoever_reads_the_text() {
        let bare = Transform { keep_copyright: false, ..Transform::default() };
        assert_eq!(Transform::from_canonical(&bare.canonical()), Some(bare));
    }

    #[test]
    fn a_ratio_is_folded_where_nothing_else_depends_on_it() {
        let doubled = Transform { dpr: 2.0, ..sized(ResizeType::Fit, 100, 50) };
        assert_eq!(doubled.clone().normalised(), sized(ResizeType::Fit, 200, 100).normalised());
        let filled = Transform { resize: ResizeType::Fill, ..doubled.clone() };
        assert_eq!(filled.clone().normalised().dpr, 2.0, "a capped ratio changes the box of a fill");
        let grown = Transform { enlarge: true, ..filled };
        assert_eq!(grown.normalised().width, 200);
        let odd = Transform { dpr: 1.5, ..sized(ResizeType::Fit, 101, 0) };
        assert_eq!(odd.normalised().dpr, 1.5);
    }

    #[test]
    fn dead_words_disappear() {
        let south = Gravity { anchor: Anchor::South, x: 0.0, y: 5.0 };
        let fit = Transform { gravity: south, ..sized(ResizeType::Fit, 100, 100) };
        assert_eq!(fit.normalised(), sized(ResizeType::Fit, 100, 100).normalised());
        let fill = Transform { gravity: south, ..sized(ResizeType::Fill, 100, 100) };
        assert_eq!(fill.normalised().gravity, south);
        assert_eq!(sized(ResizeType::Fill, 100, 0).normalised(), sized(ResizeType::Fit, 100, 0).normalised());
        assert_eq!(sized(ResizeType::Force, 100, 0).normalised().resize, ResizeType::Force);
        let kept = Transform { strip_metadata: false, ..Transform::default() };
        assert!(!kept.normalised().keep_copyright);
    }

    prop_compose! {
        fn any_transform()(
            kind in 0usize..5, width in 0u32..900, height in 0u32..900,
            dpr in prop::sample::select(vec![0.5, 1.0, 1.5, 2.0, 3.0]),
            zoom in prop::sample::select(vec![0.5, 1.0, 1.0, 1.0, 2.0]),
            enlarge: bool, extend: bool, aspect: bool, min_width in prop::sample::select(vec![0u32, 0, 0, 300]),
            padding in prop::sample::select(vec![0u32, 0, 7]),
            (auto_rotate, strip_metadata, keep_copyright, strip_color_profile) in any::<(bool, bool, bool, bool)>(),
            crop in prop::option::of((0.0f64..700.0, prop::sample::select(vec![0.0, 0.25, 0.5, 333.7])))
        ) -> Transform {
            Transform {
                resize: ResizeType::NAMES[kind].1, width, height, dpr, zoom_x: zoom, zoom_y: zoom, enlarge, min_width,
                extend: extend.then(Gravity::default), extend_aspect: aspect.then(Gravity::default),
                padding: super::super::Padding { top: padding, ..Default::default() },
                crop: crop.map(|(width, height)| super::super::Crop { width, height, gravity: None }),
                auto_rotate,
                strip_metadata,
                keep_copyright,
                strip_color_profile,
                ..Transform::default()
            }
        }
    }

    proptest! {
        #[test]
        fn normalising_changes_no_size(t in any_transform(), width in 1u32..1200, height in 1u32..1200, vector: bool) {
            let shown = Size::new(width, height);
            let before = Plan::new(shown, &t, vector);
            let short = t.clone().normalised();
            let after = Plan::new(shown, &short, vector);
            prop_assert_eq!(before.scaled, after.scaled, "scaled, {:?}", short);
            prop_assert_eq!(before.result(&t), after.result(&short), "result, {:?}", short);
        }

        #[test]
        fn normalising_twice_is_normalising_once(t in any_transform()) {
            let once = t.normalised();
            prop_assert_eq!(once.clone().normalised(), once);
        }

        #[test]
        fn canonical_text_reads_back(t in any_transform()) {
            let short = t.normalised();
            prop_assert_eq!(Transform::from_canonical(&short.canonical()), Some(short));
        }
    }
}
