//! The demo's assortment: the same products and stock on every machine.

/// A product of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoProduct {
    /// `<CATEGORY>-<NNN>`.
    pub sku: String,
    /// What it is called.
    pub name: String,
    /// A sentence.
    pub description: String,
    /// Slug of the category.
    pub category: &'static str,
    /// Price in cents.
    pub price_minor: i64,
    /// Name and value.
    pub facts: Vec<(&'static str, String)>,
    /// Pieces in stock at the beginning.
    pub on_hand: i64,
}

struct Category {
    slug: &'static str,
    title: &'static str,
    code: &'static str,
    /// What is sold, and the two materials that it is made of.
    things: [(&'static str, [&'static str; 2]); 8],
    /// Cheapest and dearest, in whole euros.
    euros: (u64, u64),
    text: &'static str,
}

const ADJECTIVES: [&str; 10] = [
    "Nordic", "Quiet", "Classic", "Little", "Harbour", "Linden", "Everyday", "Alpine", "Studio", "Meadow",
];
const COLOURS: [&str; 8] = ["sand", "slate", "moss", "clay", "chalk", "ink", "rust", "sky"];

const CATEGORIES: [Category; 12] = [
    Category {
        slug: "kitchen",
        title: "Kitchen",
        code: "KIT",
        things: [
            ("Mug", ["stoneware", "enamel"]),
            ("Bowl", ["stoneware", "beech"]),
            ("Jug", ["glass", "enamel"]),
            ("Cutting Board", ["beech", "walnut"]),
            ("Teapot", ["porcelain", "stoneware"]),
            ("Salt Jar", ["stoneware", "glass"]),
            ("Whisk", ["steel", "beech"]),
            ("Apron", ["linen", "cotton"]),
        ],
        euros: (9, 60),
        text: "made for daily use and easy to clean",
    },
    Category {
        slug: "lighting",
        title: "Lighting",
        code: "LIT",
        things: [
            ("Desk Lamp", ["brass", "steel"]),
            ("Lantern", ["glass", "steel"]),
            ("Pendant", ["paper", "glass"]),
            ("Wall Light", ["brass", "opal glass"]),
            ("Reading Light", ["steel", "brass"]),
            ("Candle Holder", ["brass", "glass"]),
            ("Night Light", ["paper", "opal glass"]),
            ("Floor Lamp", ["oak", "steel"]),
        ],
        euros: (19, 220),
        text: "gives a warm, even light",
    },
    Category {
        slug: "textiles",
        title: "Textiles",
        code: "TEX",
        things: [
            ("Blanket", ["wool", "cotton"]),
            ("Cushion", ["linen", "wool"]),
            ("Towel", ["cotton", "linen"]),
            ("Bed Linen", ["linen", "cotton"]),
            ("Throw", ["wool", "alpaca"]),
            ("Tablecloth", ["linen", "hemp"]),
            ("Napkins", ["linen", "cotton"]),
            ("Curtain", ["hemp", "linen"]),
        ],
        euros: (12, 150),
        text: "soft from the first day, and softer with each wash",
    },
    Category {
        slug: "desk",
        title: "Desk",
        code: "DSK",
        things: [
            ("Notebook", ["cotton paper", "recycled paper"]),
            ("Pen Tray", ["oak", "brass"]),
            ("Letter Rack", ["oak", "steel"]),
            ("Desk Mat", ["felt", "leather"]),
            ("Paper Weight", ["brass", "glass"]),
            ("Ruler", ["brass", "maple"]),
            ("Pencil Case", ["leather", "canvas"]),
            ("Bookend", ["steel", "oak"]),
        ],
        euros: (6, 80),
        text: "keeps a desk in order",
    },
    Category {
        slug: "garden",
        title: "Garden",
        code: "GRD",
        things: [
            ("Watering Can", ["zinc", "steel"]),
            ("Planter", ["terracotta", "zinc"]),
            ("Trowel", ["steel", "ash"]),
            ("Bird House", ["larch", "ash"]),
            ("Gloves", ["leather", "canvas"]),
            ("Garden Twine", ["jute", "hemp"]),
            ("Lantern Hook", ["steel", "iron"]),
            ("Seed Box", ["larch", "zinc"]),
        ],
        euros: (7, 90),
        text: "stands rain and frost",
    },
    Category {
        slug: "bags",
        title: "Bags",
        code: "BAG",
        things: [
            ("Backpack", ["canvas", "nylon"]),
            ("Tote", ["canvas", "cotton"]),
            ("Weekender", ["leather", "canvas"]),
            ("Belt Bag", ["leather", "nylon"]),
            ("Shopper", ["cotton", "jute"]),
            ("Laptop Sleeve", ["felt", "leather"]),
            ("Wash Bag", ["canvas", "nylon"]),
            ("Pouch", ["leather", "felt"]),
        ],
        euros: (15, 190),
        text: "sewn with double seams",
    },
    Category {
        slug: "toys",
        title: "Toys",
        code: "TOY",
        things: [
            ("Blocks", ["beech", "maple"]),
            ("Puzzle", ["card", "birch"]),
            ("Train", ["beech", "maple"]),
            ("Spinning Top", ["maple", "birch"]),
            ("Animal Set", ["beech", "felt"]),
            ("Kite", ["cotton", "nylon"]),
            ("Memory Game", ["card", "birch"]),
            ("Marble Run", ["beech", "birch"]),
        ],
        euros: (8, 70),
        text: "safe from three years on",
    },
    Category {
        slug: "outdoor",
        title: "Outdoor",
        code: "OUT",
        things: [
            ("Bottle", ["steel", "aluminium"]),
            ("Camp Stove", ["steel", "aluminium"]),
            ("Hammock", ["nylon", "cotton"]),
            ("Picnic Rug", ["wool", "cotton"]),
            ("Head Torch", ["aluminium", "nylon"]),
            ("Cook Set", ["aluminium", "steel"]),
            ("Stool", ["ash", "aluminium"]),
            ("Dry Bag", ["nylon", "canvas"]),
        ],
        euros: (12, 160),
        text: "light enough to carry all day",
    },
    Category {
        slug: "bath",
        title: "Bath",
        code: "BTH",
        things: [
            ("Soap Dish", ["ceramic", "bamboo"]),
            ("Bath Mat", ["cotton", "bamboo"]),
            ("Brush", ["beech", "bamboo"]),
            ("Sponge", ["loofah", "cotton"]),
            ("Mirror", ["oak", "steel"]),
            ("Stool", ["bamboo", "teak"]),
            ("Soap", ["olive oil", "almond oil"]),
            ("Basket", ["willow", "cotton"]),
        ],
        euros: (5, 110),
        text: "at home in small bathrooms",
    },
    Category {
        slug: "coffee",
        title: "Coffee and tea",
        code: "COF",
        things: [
            ("Grinder", ["steel", "walnut"]),
            ("Pour Over", ["porcelain", "glass"]),
            ("Kettle", ["steel", "copper"]),
            ("Tin", ["steel", "copper"]),
            ("Scale", ["steel", "bamboo"]),
            ("Tea Strainer", ["steel", "silver plate"]),
            ("Espresso Cup", ["porcelain", "stoneware"]),
            ("Filter Stand", ["copper", "walnut"]),
        ],
        euros: (8, 180),
        text: "for people who take their time",
    },
    Category {
        slug: "storage",
        title: "Storage",
        code: "STO",
        things: [
            ("Basket", ["willow", "felt"]),
            ("Box", ["oak", "card"]),
            ("Hook Rail", ["oak", "steel"]),
            ("Shelf", ["oak", "steel"]),
            ("Tray", ["walnut", "steel"]),
            ("Crate", ["pine", "oak"]),
            ("Key Cabinet", ["oak", "steel"]),
            ("Drawer Insert", ["felt", "bamboo"]),
        ],
        euros: (9, 130),
        text: "finds a place for what has none",
    },
    Category {
        slug: "stationery",
        title: "Stationery",
        code: "STA",
        things: [
            ("Greeting Cards", ["cotton paper", "recycled paper"]),
            ("Envelopes", ["cotton paper", "recycled paper"]),
            ("Fountain Pen", ["brass", "cedar"]),
            ("Ink Bottle", ["glass", "porcelain"]),
            ("Wax Seal", ["brass", "beech"]),
            ("Calendar", ["recycled paper", "cotton paper"]),
            ("Sketchbook", ["cotton paper", "recycled paper"]),
            ("Pencils", ["cedar", "basswood"]),
        ],
        euros: (4, 75),
        text: "pleasant to write with",
    },
];

/// Products of each category.
const EACH: u64 = 40;

/// Slug and title of every category, in the order of the menu.
pub fn categories() -> impl Iterator<Item = (&'static str, &'static str)> {
    CATEGORIES.iter().map(|category| (category.slug, category.title))
}

/// All products, in a fixed order.
pub fn products() -> impl Iterator<Item = DemoProduct> {
    CATEGORIES.iter().zip(0_u64..).flat_map(|(category, place)| {
        (0..EACH).map(move |number| product(category, place * EACH + number, number))
    })
}

fn product(category: &'static Category, seed: u64, number: u64) -> DemoProduct {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
    // Thing and adjective walk at different speeds, so that no name comes twice within a category.
    let (thing, materials) = category.things[usize_of(number % 8)];
    let adjective = ADJECTIVES[usize_of((number % 8 + number / 8 * 3) % 10)];
    let material = materials[usize_of(dice.below(2))];
    let colour = COLOURS[usize_of(dice.below(8))];
    let (low, high) = category.euros;
    let euros = low + dice.below(high - low);
    let cents = [0, 50, 90][usize_of(dice.below(3))];
    DemoProduct {
        sku: format!("{}-{:03}", category.code, number + 1),
        name: format!("{adjective} {thing}"),
        description: format!("{thing} of {material} in {colour}, {}.", category.text),
        category: category.slug,
        price_minor: i64::try_from(euros * 100 + cents).unwrap_or(100),
        facts: vec![
            ("Material", material.to_owned()),
            ("Colour", colour.to_owned()),
            ("Weight", format!("{} g", 80 + dice.below(90) * 10)),
        ],
        // One in thirty-three is sold out, so that this can be seen too.
        on_hand: if seed % 33 == 32 {
            0
        } else {
            200 + i64::try_from(dice.below(300)).unwrap_or(0)
        },
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Splitmix64: the same numbers everywhere, for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn products_are_many_different_and_always_the_same() {
        let all: Vec<_> = super::products().collect();
        let skus: HashSet<&str> = all.iter().map(|product| product.sku.as_str()).collect();
        assert_eq!((all.len(), skus.len()), (480, 480));
        let names: HashSet<_> = all
            .iter()
            .map(|product| (product.category, product.name.as_str()))
            .collect();
        assert_eq!(names.len(), 480);
        assert!(
            all.iter()
                .all(|product| (400..30_000).contains(&product.price_minor))
        );
        let sold_out = all.iter().filter(|product| product.on_hand == 0).count();
        assert_eq!(
            (sold_out, all[0].sku.as_str(), all[0].name.as_str()),
            (14, "KIT-001", "Nordic Mug")
        );
    }
}
