//! Gates of the mixture-of-experts blocks: from what a gate reads to a weight an expert, by one of three rules.
//!
//! # Equations
//! - `softmax`: `softmax(W_g·x / τ)` (Ma et al. 2018, Eq. 8).
//! - `top_k`, noisy top-k gating (Shazeer et al. 2017, "Outrageously Large Neural Networks", Eq. 3 to 5):
//!   `softmax(KeepTopK(H(x), k) / τ)`, `H(x) = W_g·x + ε ⊙ softplus(W_noise·x)`, ε from N(0, 1) in training.
//! - `dselect_k`, DSelect-k with a gate per example (Hazimeh et al. 2021, Section 3): selector i of k has
//!   `z_i = W_zi·x` of m = ⌈log2 E⌉ digits, `r_i(x)_e = Π_j (S(z_ij) if digit j of e is 1, else 1 − S(z_ij))` with the
//!   smooth step S of width γ; the weights are `Σ_i softmax(W_α·x / τ)_i · r_i(x)`. Minimised besides (means over rows):
//!   `λ·Σ_i H(r_i)`, and where E is no power of two `Σ_i 1 / Σ_e r_i(x)_e`, which leads away from digits
//!   that name no expert (the paper's appendix).
//!
//! # Compared with the papers
//! Hidden layers, bias and temperature τ are options. `top_k` scores without noise, starts from other weights than 0 and
//! has no importance and load losses. `dselect_k`'s gates depend on the example always, never on the task alone; the
//! penalty of experts that there are not has strength 1, as in the authors' code.

use polyrank_engine::{Along, Collecting, Function, GraphError, Init, Layer, Value};
use polyrank_schema::spec::{Literal, OptionDefault, OptionKind};
use polyrank_schema::{Block, OptionSpec, Preset};

use crate::build::Builder;

/// Below this a sum of shares is not divided by.
const LEAST_SHARE: f64 = 1e-6;
/// Width of DSelect-k's smooth step where none is written, as in the authors' code.
const STEP_WIDTH: f64 = 1.0;

const fn option(key: &'static str, kind: OptionKind, default: OptionDefault, doc: &'static str) -> OptionSpec {
    OptionSpec { key, kind, default, doc }
}

/// Options of every block with gates.
pub(super) const OPTIONS: [OptionSpec; 8] = [
    option(
        "gate",
        OptionKind::Name(&["softmax", "top_k", "dselect_k"]),
        OptionDefault::Always(Literal::Text("softmax")),
        "how a gate weighs experts: all of them, or few (noisy top-k, DSelect-k)",
    ),
    option(
        "gate_k",
        OptionKind::Int { min: 1, max: 1024 },
        OptionDefault::Absent,
        "experts with a weight above 0, at most; needed by \"top_k\" and \"dselect_k\"",
    ),
    option(
        "gate_noisy",
        OptionKind::Bool,
        OptionDefault::Absent,
        "\"top_k\": whether logits have noise in training; true if left out",
    ),
    option(
        "gate_step",
        OptionKind::Float { min: 1e-3, max: 1e3 },
        OptionDefault::Absent,
        "\"dselect_k\": width of the smooth step (γ); 1 if left out",
    ),
    option(
        "gate_entropy",
        OptionKind::Float { min: 0.0, max: 1e6 },
        OptionDefault::Absent,
        "\"dselect_k\": weight of the selectors' entropy in the loss (λ); 0 if left out",
    ),
    option(
        "gate_units",
        OptionKind::Units,
        OptionDefault::ByPreset(|preset| match preset {
            Preset::Deepctr => Literal::Units(&[64]),
            _ => Literal::Units(&[]),
        }),
        "hidden layers of each gate; empty for a linear gate",
    ),
    option(
        "gate_bias",
        OptionKind::Bool,
        OptionDefault::Always(Literal::Bool(false)),
        "whether a gate's last layer has a bias",
    ),
    option(
        "gate_temperature",
        OptionKind::Float { min: 1e-3, max: 1e3 },
        OptionDefault::Always(Literal::Float(1.0)),
        "what gate logits are divided by before the softmax",
    ),
];

/// A block's own options, then the gates'. `ALL` is their number.
pub(super) const fn with_gates<const OWN: usize, const ALL: usize>(own: [OptionSpec; OWN]) -> [OptionSpec; ALL] {
    assert!(ALL == OWN + OPTIONS.len(), "as many options as there are");
    let mut all = [OPTIONS[0]; ALL];
    let mut i = 0;
    while i < ALL {
        all[i] = if i < OWN { own[i] } else { OPTIONS[i - OWN] };
        i += 1;
    }
    all
}

/// Whether the gates' options fit each other, for gates over at least `fewest` experts.
pub(super) fn check(block: &Block, fewest: usize) -> Result<(), String> {
    let kind = block.text("gate");
    let kinds: [(&str, &[&str]); 4] = [
        ("gate_k", &["top_k", "dselect_k"]),
        ("gate_noisy", &["top_k"]),
        ("gate_step", &["dselect_k"]),
        ("gate_entropy", &["dselect_k"]),
    ];
    for (key, of) in kinds {
        if block.has(key) && !of.contains(&kind) {
            let of: Vec<String> = of.iter().map(|kind| format!("\"{kind}\"")).collect();
            return Err(format!("`{key}` is an option of gate = {}; leave it out with \"{kind}\"", of.join(" and ")));
        }
    }
    if kind == "softmax" {
        return Ok(());
    }
    match block.size("gate_k") {
        0 => Err(format!("gate = \"{kind}\" needs `gate_k`; set it to how many experts a gate may choose")),
        k if k > fewest => Err(format!("`gate_k` is {k}, but a gate has {fewest} experts; set it to at most {fewest}")),
        _ => Ok(()),
    }
}

/// A gate's weights of `experts` experts from x, `[B, E]`, watched under `watch`.
pub(super) fn gate(
    b: &mut Builder<'_>,
    block: &Block,
    name: &str,
    watch: &str,
    x: Value,
    experts: usize,
) -> Result<Value, GraphError> {
    let hidden = b.mlp(name, x, block.units("gate_units"))?;
    let weights = match block.text("gate") {
        "top_k" => top_k(b, block, name, hidden, experts)?,
        "dselect_k" => dselect_k(b, block, name, hidden, experts)?,
        _ => {
            let logits = b.output(name, hidden, experts, block.flag("gate_bias"))?; // [B, E]
            b.graph.softmax(&format!("{name}.softmax"), logits, block.float("gate_temperature"))?
        }
    };
    b.graph.watch(watch, weights);
    Ok(weights)
}

fn top_k(b: &mut Builder<'_>, block: &Block, name: &str, x: Value, experts: usize) -> Result<Value, GraphError> {
    let mut logits = b.output(name, x, experts, block.flag("gate_bias"))?; // [B, E]
    if !block.has("gate_noisy") || block.flag("gate_noisy") {
        let size = b.project(&format!("{name}.noise"), x, experts)?;
        let size = b.graph.activate(&format!("{name}.noise.size"), size, Function::Softplus)?;
        let noise = b.graph.noise(&format!("{name}.noise"), size)?;
        logits = b.graph.sum(&format!("{name}.noisy"), &[(1.0, logits), (1.0, noise)])?;
    }
    b.graph.top_softmax(&format!("{name}.softmax"), logits, block.size("gate_k"), block.float("gate_temperature"))
}

fn dselect_k(b: &mut Builder<'_>, block: &Block, name: &str, x: Value, experts: usize) -> Result<Value, GraphError> {
    let (k, bias) = (block.size("gate_k"), block.flag("gate_bias"));
    let step = if block.has("gate_step") { block.float("gate_step") } else { STEP_WIDTH };
    let digits = experts.next_power_of_two().ilog2().max(1) as usize;
    let mut selectors = Vec::new(); // k × [B, E]
    for i in 0..k {
        let name = format!("{name}.selectors.{i}");
        // Digits start near a half: no expert is out of reach.
        let bias = bias.then_some(Init::Constant(0.0));
        let layer = Layer { units: digits, weight: Init::Uniform(step / 100.0), bias, relu: false };
        let logits = b.graph.linear(&name, x, layer)?; // [B, m]
        let shares = b.graph.activate(&format!("{name}.step"), logits, Function::SmoothStep { width: step })?;
        let choice = b.graph.codes(&format!("{name}.choice"), shares, experts)?; // [B, E]
        let entropy = block.float("gate_entropy");
        if entropy > 0.0 {
            let parts = b.graph.activate(&format!("{name}.entropies"), choice, Function::Entropy)?;
            b.graph.objective(&format!("{name}.entropy"), parts, entropy);
        }
        if !experts.is_power_of_two() {
            let reached = total(b, &format!("{name}.reached"), choice)?;
            let penalty = Function::Reciprocal { floor: LEAST_SHARE };
            let penalty = b.graph.activate(&format!("{name}.unreached"), reached, penalty)?;
            b.graph.objective(&format!("{name}.unreached"), penalty, 1.0);
        }
        selectors.push(choice);
    }
    let weights = b.output(name, x, k, bias)?; // [B, k]
    let weights = b.graph.softmax(&format!("{name}.softmax"), weights, block.float("gate_temperature"))?;
    b.graph.mixture(&format!("{name}.weights"), weights, &selectors) // [B, E]
}

/// The sum of a value's columns, `[B, 1]`.
fn total(b: &mut Builder<'_>, name: &str, x: Value) -> Result<Value, GraphError> {
    let columns = b.graph.width(x);
    let parts = b.graph.fold(&format!("{name}.parts"), x, columns, Along::Fields)?;
    b.graph.collect(name, parts, Collecting::Sum)
}
