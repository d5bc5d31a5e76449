//go:build !race

package sbd_test

const race = false
