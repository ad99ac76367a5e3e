//! Prints the generated tenant of `fixtures/generated`: 1,000 users, 200 roles, 5,000 grants, always the same; or one
//! with as many as the arguments say.

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|number| number.parse().ok());
    let mut next = |usual| numbers.next().unwrap_or(usual);
    let (users, roles, grants) = (next(1000), next(200), next(5000));
    println!("{}", parapet_tests::generate::tenant(1, users, roles, grants));
}
