package scsi

// command is a row of the table of commands: the one description of an opcode or service
// action, read by dispatch, REPORT SUPPORTED OPERATION CODES, traces and metrics.
type command struct {
	name string
	// usage is the CDB usage data of REPORT SUPPORTED OPERATION CODES (SPC-5): a bit is set
	// where the command reads it; its length is the CDB's length.
	usage []byte
	// lengths returns the bytes of Data-Out and Data-In that the CDB asks for; nil: none.
	// It also refuses a malformed CDB.
	lengths func(t *Task) (out, in int64, err error)
	// run executes. It may run twice: see Task.mayBlock.
	run func(t *Task) error
	// flags say how the checks in front of run treat the command.
	flags commandFlags
}

type commandFlags uint8

const (
	noAttention commandFlags = 1 << iota // executes while a unit attention is pending (INQUIRY, REPORT LUNS, REQUEST SENSE)
	anyHolder                            // executes while another nexus holds the reservation
	offline                              // executes while the unit has no store
	unmapped                             // executes on a LUN that is not mapped
	express                              // blocked work has workers of its own (COMPARE AND WRITE)
)
