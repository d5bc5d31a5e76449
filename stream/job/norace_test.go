//go:build !race

package job

const days = 400
