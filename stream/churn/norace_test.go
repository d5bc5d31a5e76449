//go:build !race

package churn

const race = false
