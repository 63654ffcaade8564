//! Choices by name: one table for each enumeration of the configuration, and how values are written back.

use crate::config::{
    Activation, AutoDim, GroupWeight, LabelTransform, LayerOrder, Normaliser, OnBadRow, PenaltyScope, Precision, Side,
};
use crate::error::{Quote, printable};
use crate::preset::Preset;
use crate::table::ValueType;

/// An enumeration whose values a configuration names.
pub(crate) trait Named: Copy + PartialEq + 'static {
    /// Every value and its name, in the order to print them.
    const NAMES: &'static [(&'static str, Self)];
}

/// A value as it would be written in the configuration.
pub(crate) trait Written {
    fn written(&self) -> String;
}

impl<T: Named> Written for T {
    fn written(&self) -> String {
        let name = T::NAMES.iter().find(|(_, v)| v == self).map_or("", |(name, _)| name);
        format!("\"{name}\"")
    }
}

impl Written for usize {
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Written for u64 {
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Written for i64 {
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Written for f64 {
    fn written(&self) -> String {
        format!("{self:?}")
    }
}

impl Written for bool {
    fn written(&self) -> String {
        self.to_string()
    }
}

impl Written for str {
    fn written(&self) -> String {
        format!("\"{}\"", printable(self))
    }
}

impl Written for String {
    fn written(&self) -> String {
        Quote::Value.around(self)
    }
}

impl<T: Written> Written for [T] {
    fn written(&self) -> String {
        format!("[{}]", self.iter().map(Written::written).collect::<Vec<_>>().join(", "))
    }
}

impl<T: Written> Written for Vec<T> {
    fn written(&self) -> String {
        self.as_slice().written()
    }
}

/// Which features' encoders and keys apply; not part of the result, where each kind is a variant of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Categorical,
    Dense,
    Vector,
}

/// Which pooling of lists; sequence encoders are named by the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolingName {
    Mean,
    Sum,
    Max,
}

/// Which task keys apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    Binary,
    Regression,
    MultiClass,
}

/// Which schedule of a weight, without its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScheduleName {
    Constant,
    Decay,
}

/// Which loss, without its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LossName {
    Mse,
    Mae,
    Huber,
}

/// Which initialiser of layers, without its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayerInitName {
    Auto,
    Glorot,
    Normal,
}

/// Which initialiser of embeddings, without its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbeddingInitName {
    Normal,
    Uniform,
}

macro_rules! names {
    ($($type:ty: $($name:literal => $value:expr),+;)+) => {
        $(impl Named for $type {
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, $value)),+];
        })+
    };
}

names! {
    Preset: "default" => Preset::Default, "paper" => Preset::Paper, "deepctr" => Preset::Deepctr,
        "merlin" => Preset::Merlin, "wide_deep" => Preset::WideDeep, "dcn" => Preset::Dcn, "dcn_v2" => Preset::DcnV2,
        "pnn" => Preset::Pnn, "din" => Preset::Din, "dien" => Preset::Dien;
    OnBadRow: "error" => OnBadRow::Error, "skip" => OnBadRow::Skip;
    Side: "context" => Side::Context, "item" => Side::Item;
    ValueType: "int" => ValueType::Int, "float" => ValueType::Float, "text" => ValueType::Text, "bool" => ValueType::Bool;
    PoolingName: "mean" => PoolingName::Mean, "sum" => PoolingName::Sum, "max" => PoolingName::Max;
    Activation: "linear" => Activation::Linear, "relu" => Activation::Relu, "leaky_relu" => Activation::LeakyRelu,
        "prelu" => Activation::Prelu, "sigmoid" => Activation::Sigmoid, "tanh" => Activation::Tanh,
        "gelu" => Activation::Gelu, "silu" => Activation::Silu, "dice" => Activation::Dice;
    LayerOrder: "norm_activation_dropout" => LayerOrder::NormActivationDropout,
        "activation_dropout_norm" => LayerOrder::ActivationDropoutNorm;
    PenaltyScope: "batch" => PenaltyScope::Batch, "table" => PenaltyScope::Table;
    AutoDim: "root" => AutoDim::Root, "four" => AutoDim::Four;
    Normaliser: "weight_sum" => Normaliser::WeightSum, "batch" => Normaliser::Batch, "count" => Normaliser::Count,
        "sum" => Normaliser::Sum;
    Precision: "fp32" => Precision::Fp32, "bf16" => Precision::Bf16;
    Kind: "categorical" => Kind::Categorical, "dense" => Kind::Dense, "vector" => Kind::Vector;
    Goal: "binary" => Goal::Binary, "regression" => Goal::Regression,
        "multi_class" => Goal::MultiClass;
    ScheduleName: "constant" => ScheduleName::Constant, "decay" => ScheduleName::Decay;
    GroupWeight: "impressions" => GroupWeight::Impressions, "positives" => GroupWeight::Positives;
    LabelTransform: "none" => LabelTransform::None, "log1p" => LabelTransform::Log1p;
    LossName: "mse" => LossName::Mse, "mae" => LossName::Mae, "huber" => LossName::Huber;
    LayerInitName: "auto" => LayerInitName::Auto, "glorot" => LayerInitName::Glorot,
        "normal" => LayerInitName::Normal;
    EmbeddingInitName: "normal" => EmbeddingInitName::Normal, "uniform" => EmbeddingInitName::Uniform;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_as_stored<T: Named + serde::Serialize>() {
        for (_, value) in T::NAMES {
            assert_eq!(serde_json::to_string(value).ok(), Some(value.written()));
        }
    }

    #[test]
    fn a_choice_is_named_alike_in_toml_and_in_a_stored_configuration() {
        same_as_stored::<Preset>();
        same_as_stored::<OnBadRow>();
        same_as_stored::<Side>();
        same_as_stored::<ValueType>();
        same_as_stored::<Activation>();
        same_as_stored::<LayerOrder>();
        same_as_stored::<PenaltyScope>();
        same_as_stored::<AutoDim>();
        same_as_stored::<Normaliser>();
        same_as_stored::<Precision>();
        same_as_stored::<GroupWeight>();
        assert!(Precision::NAMES.iter().all(|(name, precision)| *name == precision.name()));
        assert_eq!(Precision::NAMES.len(), Precision::ALL.len());
        assert_eq!(Preset::NAMES.len(), Preset::ALL.len());
        assert!(Preset::NAMES.iter().all(|(name, preset)| *name == preset.name()));
    }
}
