package isns

import "fmt"

// A Status is a server's answer to a request (RFC 4171 §5.4).
type Status uint32

const (
	statusGood          Status = 0
	statusSourceUnknown Status = 6
	statusNoSuchEntry   Status = 9
)

var statusNames = [...]string{
	0:  "successful",
	1:  "unknown error",
	2:  "message format error",
	3:  "invalid registration",
	5:  "invalid query",
	6:  "source unknown",
	7:  "source absent",
	8:  "source unauthorized",
	9:  "no such entry",
	10: "version not supported",
	11: "internal error",
	12: "busy",
	13: "option not understood",
	14: "invalid update",
	15: "message not supported",
	16: "SCN event rejected",
	17: "SCN registration rejected",
	18: "attribute not implemented",
	21: "ESI not available",
	22: "invalid deregistration",
	23: "registration feature not supported",
}

// Error makes a Status what a request fails with.
func (s Status) Error() string {
	if int(s) < len(statusNames) && statusNames[s] != "" {
		return fmt.Sprintf("the server answers %d: %s", uint32(s), statusNames[s])
	}
	return fmt.Sprintf("the server answers %d", uint32(s))
}
