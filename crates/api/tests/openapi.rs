fn main(){}
#[test] fn dump(){ println!("{}", api_dump()); }
fn api_dump()->String{ countersign_api::openapi().to_pretty_json().unwrap() }
