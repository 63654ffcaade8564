//! The ROC curve, thinned for drawing.

use serde::{Deserialize, Serialize};

use super::Evaluation;

/// A point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Part of the negative rows that score at or above the threshold, 0..=1.
    pub false_positive_rate: f64,
    /// Part of the positive rows that score at or above the threshold, 0..=1.
    pub true_positive_rate: f64,
}

const MAX_POINTS: usize = 200;

impl Evaluation {
    /// At most 200 points of a binary task's ROC curve from (0, 0) to (1, 1), evenly spread along it; empty unless
    /// both classes are present.
    pub fn roc_points(&self) -> Vec<RocPoint> {
        let (positives, negatives) = self.classes();
        if positives == 0 || negatives == 0 {
            return Vec::new();
        }
        // The curve is 2 long in steps right and up, so points a stride apart are at most MAX_POINTS - 2 inner ones.
        let stride = 2.0 / (MAX_POINTS - 2) as f64;
        let mut points = vec![RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0 }];
        let mut drawn_to = 0.0;
        let (mut true_positives, mut seen) = (0, 0);
        for tie in self.ties().rev() {
            true_positives += tie.positives;
            seen += tie.rows;
            let point = RocPoint {
                false_positive_rate: (seen - true_positives) as f64 / negatives as f64,
                true_positive_rate: true_positives as f64 / positives as f64,
            };
            let length = point.false_positive_rate + point.true_positive_rate;
            if length - drawn_to >= stride && seen < positives + negatives {
                points.push(point);
                drawn_to = length;
            }
        }
        points.push(RocPoint { false_positive_rate: 1.0, true_positive_rate: 1.0 });
        points
    }
}
