package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunarsan/lunar/internal/control"
)

func TestReservationRows(t *testing.T) {
	registered := []control.RegistrationInfo{
		{Key: "0x00000000000000a1", InitiatorPort: "iqn.a,i,0x1", TargetPort: "iqn.t,t,0x0001"},
		{Key: "0x00000000000000b1", InitiatorPort: "iqn.b", TargetPort: "iqn.t,t,0x0002"},
	}
	rows := [][]string{
		{"Registered", "0x00000000000000a1, iqn.a,i,0x1 through iqn.t,t,0x0001"},
		{"Registered", "0x00000000000000b1, iqn.b through iqn.t,t,0x0002"},
	}
	for name, tt := range map[string]struct {
		info *control.ReservationInfo
		want [][]string
	}{
		"nothing": {nil, [][]string{{"Reservation", "none"}}},
		"RESERVE": {&control.ReservationInfo{Type: "RESERVE", Holder: "iqn.a,i,0x1"},
			[][]string{{"Reservation", "RESERVE"}, {"Reserved by", "iqn.a,i,0x1"}}},
		"registered": {&control.ReservationInfo{Registered: registered, Persists: true},
			append(append([][]string{{"Reservation", "none"}}, rows...), []string{"Kept over a loss of power", "yes"})},
		"all registrants": {&control.ReservationInfo{Type: "write exclusive, all registrants", Registered: registered},
			append(append([][]string{{"Reservation", "write exclusive, all registrants"}}, rows...), []string{"Kept over a loss of power", "no"})},
	} {
		if diff := cmp.Diff(tt.want, reservationRows(tt.info)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
