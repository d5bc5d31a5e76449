// Package lint holds the rules of the tree that no compiler checks, as tests: go test
// ./internal/lint reads every file of the checkout and fails on the first breach of
//
//	arrows.go    which package may import which
//	size.go      how long a file may be
//	format.go    gofmt
//	names.go     package names, stutter, init functions
//	citations.go standards are cited by a document and a section that exist (docs/refs.txt)
//	words.go     words and paths that have no place in the tree
//	mentions.go  files and tests that the documentation names are there
//
// A check is a function from a Tree to findings, so that its own test can show it failing on
// a tree made of strings.
package lint
