//go:build race

package job

// days is for how long TestFourHundredDays goes on: under the race detector, which is five times
// as slow, until clocks were put on.
const days = 87
