//! What is wrong with a line of a phrase file, and what to do.

use std::fmt;

/// Something that a person should know of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, and what to do.
    pub what: Fault,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A phrase before any theme.
    #[error("no theme yet: put a line such as \"theme: self-harm\" above it")]
    NoTheme,
    /// A line that begins with no number.
    #[error("no weight: begin the line with a number from -100 to 100, then a space and the phrase, such as \"20 how to vanish\"")]
    NoWeight,
    /// A number without words.
    #[error("no phrase after the weight: write the words that are looked for, such as \"20 how to vanish\"")]
    NoPhrase,
    /// A weight that says nothing.
    #[error("a weight of 0 does nothing: give it a weight, or take the line out")]
    NoEffect,
    /// A weight out of bounds.
    #[error("the weight {0} is too large: give it at most 100, or at least -100")]
    TooHeavy(i32),
    /// A single word with a weight for which it needs others.
    #[error("a single word may weigh at most 40, not {0}: lower it, or ask for another phrase with it, such as \"{0} word + another\"")]
    HeavyWord(i32),
    /// Too short to mean anything.
    #[error("\"{0}\" is too short to be told apart from parts of other words: write at least three letters")]
    TooShort(Box<str>),
    /// Longer than phrases may be.
    #[error("\"{0}\" is too long: a phrase has at most 12 words and 120 letters; split it with \"+\"")]
    TooLong(Box<str>),
    /// A star elsewhere than at the end.
    #[error("a star may only end a phrase, for any ending of its last word: \"suicid*\"")]
    StarInside,
    /// Too many parts.
    #[error("at most 8 phrases may be asked for together: take some out")]
    ManyParts,
    /// The same phrase twice in one entry, or a phrase of one word said again and again.
    #[error("\"{0}\" is there twice: a word said twice is still one word; write it once")]
    SaidTwice(Box<str>),
    /// A heading that means nothing.
    #[error("\"{0}:\" is no heading: there are \"theme:\", \"category:\", \"language:\" and \"reads:\"; a phrase begins with its weight")]
    UnknownHeading(Box<str>),
    /// A heading with nothing after it, or a name that is none.
    #[error("\"{0}\" is no name for a theme or category: use small letters, digits and hyphens, such as \"self-harm\"")]
    BadName(Box<str>),
    /// A category without a theme.
    #[error("a category belongs to a theme: put \"theme: ...\" above it")]
    CategoryAlone,
    /// Another category than before.
    #[error("the theme \"{theme}\" is of the category \"{category}\" already: one theme has one category")]
    OtherCategory {
        /// The theme.
        theme: Box<str>,
        /// Its category.
        category: Box<str>,
    },
    /// Too many themes.
    #[error("there are 64 themes already: use one of them")]
    ManyThemes,
    /// A positive weight for all themes.
    #[error("\"theme: all\" is for what takes weight off: give it a weight below 0, or name the themes")]
    AddsToAll,
    /// The same entry again.
    #[error("the same as {file}:{line}: take one of them out")]
    Doubled {
        /// The file of the first.
        file: Box<str>,
        /// Its line.
        line: u32,
    },
    /// What a heading says of who is read.
    #[error(
        "\"reads: {0}\" is none: there is \"reads: all\" for phrases, \"reads: asked\" for patterns of what is typed into searches and AIs, \"reads: glossary\" for words of other languages, and \"reads: learned\" for what usher scan learn writes"
    )]
    NotReads(Box<str>),
    /// A line of learned weights that is none.
    #[error("not a line of learned weights: {0}; make the file anew with: usher scan learn")]
    NotLearned(Box<str>),
    /// A line of a glossary that is none.
    #[error("not a line of a glossary, such as \"chcę = i want\": {0}")]
    NotGlossary(Box<str>),
    /// A file of meaning that is none.
    #[error("not a file of meaning: {0}; nothing of it counts")]
    NotMeaning(Box<str>),
    /// A name among phrases.
    #[error("names of words are for patterns: put \"reads: asked\" above it")]
    NameAmongPhrases,
    /// A name of words that is not there.
    #[error("no words have the name \"{0}\" so far: write a line such as \"<{0}> = word | another\" above it; files are read in the order of their names")]
    NoName(Box<str>),
    /// A name that would be a part of itself.
    #[error("\"{0}\" cannot be made of names that come after it: give the new words a name of their own")]
    NameOfNames(Box<str>),
    /// Brackets without their partners, or with nothing in them.
    #[error("brackets without a partner, too deep, or with nothing between: each ( needs its ), each [ its ], each < its >, and each | words on both sides")]
    Brackets,
    /// Nothing that could be matched.
    #[error("\"{0}\" has no letters: take it out")]
    NoLetters(Box<str>),
    /// A pattern that anything fits.
    #[error("anything fits this: each part needs a word that must be there, outside of [ ]")]
    FitsAll,
    /// Too long a line.
    #[error("too long: give some of it a name, such as \"<person> = teacher | friend\"")]
    LongPattern,
    /// Too many of them.
    #[error("there are too many patterns, or names: at most 50,000 and 2,000; take some out")]
    ManyPatterns,
    /// A line that is not text.
    #[error("not text in UTF-8: save the file as UTF-8")]
    NotText,
    /// A line of e2guardian's form that is none.
    #[error("not a phrase of e2guardian, such as \"<word>,<and word><50>\": {0}")]
    NotE2guardian(Box<str>),
    /// Another file is named.
    #[error("names another file, {0}, which is not read from here: give that file as well")]
    Include(Box<str>),
    /// Taken: a banned phrase.
    #[error("a banned phrase: counts 100 here, and needs another phrase beside it, since no phrase blocks alone")]
    Banned,
    /// Taken: an exception phrase.
    #[error("an exception phrase: takes 100 off here, since no phrase alone lets a page through")]
    Exception,
    /// Taken: a weight in per cent of a limit.
    #[error("a weight in per cent: counts as that many points, as of a limit of 100")]
    PerCent,
}

impl Fault {
    /// Whether the line is in force all the same.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Banned | Self::Exception | Self::PerCent)
    }
}
