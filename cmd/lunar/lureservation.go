package main

import "github.com/lunarsan/lunar/internal/control"

// reservationRows show who has reserved a unit, and who is registered to.
func reservationRows(r *control.ReservationInfo) [][]string {
	if r == nil {
		return [][]string{{"Reservation", "none"}}
	}
	rows := [][]string{{"Reservation", or(r.Type, "none")}}
	if r.Holder != "" {
		rows = append(rows, []string{"Reserved by", r.Holder})
	}
	for _, g := range r.Registered {
		rows = append(rows, []string{"Registered", g.Key + ", " + g.InitiatorPort + " through " + g.TargetPort})
	}
	if len(r.Registered) > 0 {
		rows = append(rows, []string{"Kept over a loss of power", yesNo(r.Persists)})
	}
	return rows
}
