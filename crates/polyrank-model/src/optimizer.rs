//! The optimizers that a configuration can name.

use polyrank_engine::Optimizer;
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind, no_further_check};
use polyrank_schema::{Block, BlockSpec, OptionSpec, Preset};

const fn rate(default: f64) -> OptionSpec {
    OptionSpec {
        key: "learning_rate",
        kind: OptionKind::Float { min: 0.0, max: 1e3 },
        default: OptionDefault::Always(Literal::Float(default)),
        doc: "learning rate",
    }
}

const fn share(key: &'static str, default: f64, doc: &'static str) -> OptionSpec {
    OptionSpec {
        key,
        kind: OptionKind::Float { min: 0.0, max: 0.999_999_999 },
        default: OptionDefault::Always(Literal::Float(default)),
        doc,
    }
}

const fn epsilon(default: f64) -> OptionSpec {
    OptionSpec {
        key: "epsilon",
        kind: OptionKind::Float { min: 0.0, max: 1.0 },
        default: OptionDefault::Always(Literal::Float(default)),
        doc: "keeps the division finite",
    }
}

const ADAGRAD: &[OptionSpec] = &[
    OptionSpec {
        key: "learning_rate",
        kind: OptionKind::Float { min: 0.0, max: 1e3 },
        default: OptionDefault::ByPreset(|preset| match preset {
            Preset::Merlin => Literal::Float(0.001),
            _ => Literal::Float(0.01),
        }),
        doc: "learning rate",
    },
    OptionSpec {
        key: "initial_accumulator",
        kind: OptionKind::Float { min: 0.0, max: 1e6 },
        default: OptionDefault::ByPreset(|preset| match preset {
            Preset::Merlin => Literal::Float(0.1),
            _ => Literal::Float(0.0),
        }),
        doc: "what the sum of squares starts at",
    },
    epsilon(1e-10),
];

const ADAM: [OptionSpec; 4] = [
    rate(0.001),
    share("beta1", 0.9, "decay of the mean gradient"),
    share("beta2", 0.999, "decay of the mean square"),
    epsilon(1e-8),
];

const fn spec(name: &'static str, doc: &'static str, options: &'static [OptionSpec]) -> BlockSpec {
    BlockSpec { name, doc, options, check: no_further_check }
}

/// What a configuration can name under `train.optimizer` and `train.embedding_optimizer`.
pub const SPECS: &[BlockSpec] = &[
    spec("sgd", "stochastic gradient descent", &[rate(0.01)]),
    spec("momentum", "SGD with momentum", &[rate(0.01), share("momentum", 0.9, "share of the last velocity")]),
    spec("adagrad", "Adagrad (Duchi et al. 2011)", ADAGRAD),
    spec("rowwise_adagrad", "Adagrad with one accumulator an embedding row", ADAGRAD),
    spec("adam", "Adam (Kingma and Ba 2015), lazy on embedding rows", &ADAM),
    spec(
        "adamw",
        "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
        &[
            ADAM[0],
            ADAM[1],
            ADAM[2],
            ADAM[3],
            OptionSpec {
                key: "weight_decay",
                kind: OptionKind::Float { min: 0.0, max: 1.0 },
                default: OptionDefault::Always(Literal::Float(0.01)),
                doc: "share of each weight taken off, times the learning rate",
            },
        ],
    ),
    spec(
        "rmsprop",
        "RMSprop (Tieleman and Hinton 2012)",
        &[rate(0.01), share("decay", 0.99, "decay of the mean square"), epsilon(1e-8)],
    ),
];

/// The engine's optimizer for a configured block.
pub fn optimizer(block: &Block) -> Optimizer {
    let learning_rate = block.float("learning_rate");
    let (initial_accumulator, epsilon) = (block.float("initial_accumulator"), block.float("epsilon"));
    match block.kind.as_str() {
        "sgd" => Optimizer::Sgd { learning_rate },
        "momentum" => Optimizer::Momentum { learning_rate, momentum: block.float("momentum") },
        "rowwise_adagrad" => Optimizer::RowWiseAdagrad { learning_rate, initial_accumulator, epsilon },
        "adam" | "adamw" => Optimizer::Adam {
            learning_rate,
            beta1: block.float("beta1"),
            beta2: block.float("beta2"),
            epsilon,
            weight_decay: block.float("weight_decay"),
        },
        "rmsprop" => Optimizer::RmsProp { learning_rate, decay: block.float("decay"), epsilon },
        // `adagrad`: the parser lets no other name through.
        _ => Optimizer::Adagrad { learning_rate, initial_accumulator, epsilon },
    }
}
