module gossipcheck/tests/relay

go 1.25.0
