//! A static-graph training engine for ranking networks: graph, plan, executor, embedding tables, optimizers, kernels.
