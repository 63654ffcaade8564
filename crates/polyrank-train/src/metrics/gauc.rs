//! GAUC: AUC within each group of rows, as a user's, averaged (Zhu et al. 2017, "Optimized Cost per Click in Taobao").

use polyrank_schema::config::GroupWeight;

use super::auc::area;
use super::{AppliesTo, Better, Evaluation, Metric, sum};

pub(super) const METRIC: Metric = Metric {
    name: "gauc",
    applies_to: AppliesTo::GroupedBinary,
    better: Better::Higher,
    doc: "AUC within each group that has both classes, averaged by the groups' rows or positives",
    weighted: true,
    compute,
};

fn compute(rows: &Evaluation) -> Option<f64> {
    let ordered = rows.in_groups();
    let areas: Vec<_> = ordered.chunk_by(|a, b| a.group() == b.group()).filter_map(area).collect();
    let weight = |area: &super::auc::Area| match rows.group_weight() {
        GroupWeight::Impressions => area.weight,
        GroupWeight::Positives => area.positive_weight,
    };
    let total = sum::sum(areas.iter().map(weight));
    (total > 0.0).then(|| sum::sum(areas.iter().map(|area| weight(area) * area.auc)) / total)
}
