//! What a column is, in a word or several.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Quote, one_of, suggestion};

/// What a column is: the tags of Merlin's schemas, and whatever else a schema says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Tag {
    /// Its values tell things apart.
    Categorical,
    /// Its values are numbers on a scale.
    Continuous,
    /// It holds several values a row.
    List,
    /// It holds several values a row, in an order that matters.
    Sequence,
    /// It holds text.
    Text,
    /// Its text is cut into tokens.
    Tokenized,
    /// It says when the row was made.
    Time,
    /// It holds vectors made elsewhere.
    Embedding,
    /// Its values are somebody's or something's name.
    Id,
    /// It describes the user.
    User,
    /// It describes the candidate.
    Item,
    /// It describes the session.
    Session,
    /// It describes the request.
    Context,
    /// It is a label.
    Target,
    /// It is a label that is a number.
    Regression,
    /// It is a label that is a class.
    Classification,
    /// It is a label that is one of two classes.
    Binary,
    /// It is a label that is one of several classes.
    MultiClass,
    /// A tag that polyrank gives no meaning to; columns can be selected by it.
    Own(String),
}

/// Every tag with a meaning, and its name.
const NAMES: &[(&str, Tag)] = &[
    ("categorical", Tag::Categorical),
    ("continuous", Tag::Continuous),
    ("list", Tag::List),
    ("sequence", Tag::Sequence),
    ("text", Tag::Text),
    ("tokenized", Tag::Tokenized),
    ("time", Tag::Time),
    ("embedding", Tag::Embedding),
    ("id", Tag::Id),
    ("user", Tag::User),
    ("item", Tag::Item),
    ("session", Tag::Session),
    ("context", Tag::Context),
    ("target", Tag::Target),
    ("regression", Tag::Regression),
    ("classification", Tag::Classification),
    ("binary", Tag::Binary),
    ("multi_class", Tag::MultiClass),
];

/// Names of old schemas that stand for two tags.
const COMPOUND: &[(&str, [Tag; 2])] = &[
    ("user_id", [Tag::User, Tag::Id]),
    ("item_id", [Tag::Item, Tag::Id]),
    ("session_id", [Tag::Session, Tag::Id]),
    ("text_tokenized", [Tag::Text, Tag::Tokenized]),
    ("binary_classification", [Tag::Binary, Tag::Classification]),
    ("multi_class_classification", [Tag::MultiClass, Tag::Classification]),
];

/// Tags of which a column has at most one: a value is told apart, measured, or a vector; a label has one head.
const COLLISIONS: &[(Tag, Tag)] = &[
    (Tag::Categorical, Tag::Continuous),
    (Tag::Categorical, Tag::Embedding),
    (Tag::Continuous, Tag::Embedding),
    (Tag::Continuous, Tag::Id),
    (Tag::Embedding, Tag::Id),
    (Tag::Regression, Tag::Classification),
    (Tag::Regression, Tag::Binary),
    (Tag::Regression, Tag::MultiClass),
    (Tag::Binary, Tag::MultiClass),
];

impl Tag {
    /// The tag's name, as `multi_class`.
    pub fn name(&self) -> &str {
        match self {
            Tag::Own(name) => name,
            known => NAMES.iter().find(|(_, tag)| tag == known).map_or("", |(name, _)| name),
        }
    }

    /// The tags that a name with a meaning stands for: one, or two of a compound as `user_id`.
    ///
    /// # Errors
    ///
    /// A name without a meaning; the text names the nearest.
    pub fn known(name: &str) -> Result<Vec<Tag>, String> {
        let tags = Tag::read(name);
        if !matches!(tags.first(), Some(Tag::Own(_))) {
            return Ok(tags);
        }
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        let hint = suggestion(name, &names, Quote::Value).unwrap_or_else(|| one_of(&names, Quote::Value));
        Err(format!("no tag is named {}; {hint}", Quote::Value.around(name)))
    }

    /// The tags that a name stands for; one without a meaning is a tag of the schema's own.
    pub fn read(name: &str) -> Vec<Tag> {
        match (NAMES.iter().find(|(known, _)| *known == name), COMPOUND.iter().find(|(known, _)| *known == name)) {
            (Some((_, tag)), _) => vec![tag.clone()],
            (None, Some((_, tags))) => tags.to_vec(),
            (None, None) => vec![Tag::Own(name.to_owned())],
        }
    }

    fn collides(&self, other: &Tag) -> bool {
        COLLISIONS.iter().any(|(a, b)| (a, b) == (self, other) || (b, a) == (self, other))
    }
}

impl From<String> for Tag {
    /// A compound name is two tags ([`Tag::read`]), and alone only a tag of the schema's own.
    fn from(name: String) -> Tag {
        NAMES.iter().find(|(known, _)| *known == name).map_or(Tag::Own(name), |(_, tag)| tag.clone())
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> String {
        tag.name().to_owned()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The tags of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeSet<Tag>);

impl Tags {
    /// Whether `tag` is among them.
    pub fn has(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// Whether any of `tags` is among them.
    pub fn any(&self, tags: &[Tag]) -> bool {
        tags.iter().any(|tag| self.has(tag))
    }

    /// Whether all of `tags` are among them.
    pub fn all(&self, tags: &[Tag]) -> bool {
        tags.iter().all(|tag| self.has(tag))
    }

    /// The tags in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Two that a column cannot both have.
    pub fn collision(&self) -> Option<(&Tag, &Tag)> {
        self.iter().find_map(|a| self.iter().find(|b| a.collides(b)).map(|b| (a, b)))
    }

    /// These with `tags`; any of these that one of `tags` collides with gives way.
    pub fn with(&self, tags: &Tags) -> Tags {
        let kept = self.iter().filter(|own| !tags.iter().any(|tag| tag.collides(own)));
        Tags(kept.chain(tags.iter()).cloned().collect())
    }
}

impl FromIterator<Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Tags {
        Tags(tags.into_iter().collect())
    }
}
