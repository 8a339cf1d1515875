//! Which service a path belongs to, how long it may take, and what of it is public.

use std::time::Duration;

use http::Method;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    Users,
    Catalog,
    Cart,
    Orders,
    Storefront,
}

/// What is known of a request from its method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) owner: Owner,
    /// Under this name it is counted.
    pub(crate) label: &'static str,
    pub(crate) deadline: Duration,
    /// The same for everybody, so it may be kept.
    pub(crate) public: bool,
}

/// The paths of the API begin with this.
pub(crate) const API: &str = "/api/v1";

const SHORT: Duration = Duration::from_secs(3);
/// A checkout waits for cart, catalogue, provider and database.
const CHECKOUT: Duration = Duration::from_secs(10);
/// A page of the storefront asks several services.
const PAGE: Duration = Duration::from_secs(12);

/// The route of a path; `None` for a path of the API that nobody owns. `/internal/` is never passed on.
pub(crate) fn of(method: &Method, path: &str) -> Option<Route> {
    let route = |owner, label| Route {
        owner,
        label,
        deadline: SHORT,
        public: false,
    };
    let Some(inner) = path
        .strip_prefix(API)
        .filter(|inner| inner.is_empty() || inner.starts_with('/'))
    else {
        if path == "/api" || path.starts_with("/api/") {
            return None;
        }
        return Some(Route {
            deadline: PAGE,
            ..route(Owner::Storefront, "/")
        });
    };
    // A path that means something else to another reader is nobody's.
    if inner.contains("//") || inner.contains("/.") || inner.contains('%') || inner.contains('\\') {
        return None;
    }
    let read = method == Method::GET || method == Method::HEAD;
    let found = match inner.split('/').nth(1)? {
        "products" => Route {
            public: read,
            ..route(Owner::Catalog, "/api/v1/products")
        },
        "categories" => Route {
            public: read,
            ..route(Owner::Catalog, "/api/v1/categories")
        },
        "prices" => route(Owner::Catalog, "/api/v1/prices"),
        "changes" => route(Owner::Catalog, "/api/v1/changes"),
        "users" => route(Owner::Users, "/api/v1/users"),
        "sessions" => route(Owner::Users, "/api/v1/sessions"),
        "cart" => route(Owner::Cart, "/api/v1/cart"),
        "checkout" => Route {
            deadline: CHECKOUT,
            ..route(Owner::Orders, "/api/v1/checkout")
        },
        "orders" => route(Owner::Orders, "/api/v1/orders"),
        "inventory" => route(Owner::Orders, "/api/v1/inventory"),
        "payments" => route(Owner::Orders, "/api/v1/payments"),
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_its_owner_and_the_inner_ones_have_none() {
        let cases = [
            ("/", Some(Owner::Storefront)),
            ("/p/KIT-001", Some(Owner::Storefront)),
            ("/apirings", Some(Owner::Storefront)),
            ("/api/v1/products/KIT-001/related", Some(Owner::Catalog)),
            ("/api/v1/users/me", Some(Owner::Users)),
            ("/api/v1/sessions", Some(Owner::Users)),
            ("/api/v1/cart/items", Some(Owner::Cart)),
            ("/api/v1/checkout", Some(Owner::Orders)),
            ("/api/v1/payments/webhook", Some(Owner::Orders)),
            ("/api/v1/internal/events", None),
            ("/api/v1/products/../internal/events", None),
            ("/api/v1/products/%2e%2e/internal/events", None),
            ("/api/v1//internal/events", None),
            ("/api/v1", None),
            ("/api/v2/products", None),
            ("/api", None),
        ];
        for (path, owner) in cases {
            assert_eq!(of(&Method::GET, path).map(|route| route.owner), owner, "{path}");
        }
        assert!(of(&Method::GET, "/api/v1/products").unwrap().public);
        assert!(!of(&Method::POST, "/api/v1/products").unwrap().public);
    }
}
