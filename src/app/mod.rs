//! Puts everything together from the settings; the only place that names all of it.

pub mod dev_ca;
