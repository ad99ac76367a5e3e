//! Prints the generated tenant of `fixtures/generated`: 1,000 users, 200 roles, 5,000 grants, always the same.

fn main() {
    println!("{}", parapet_tests::generate::tenant(1, 1000, 200, 5000));
}
