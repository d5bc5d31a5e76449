//go:build race

package dmu

// every is which of its cases a test that has many of them tries: under the race detector, which
// is ten times as slow, every seventh.
const every = 7
