package scsi

// requestSense is REQUEST SENSE (SPC-5): the oldest unit attention, which it clears, or why
// the unit is not ready, or no sense.
func requestSense(t *Task) error {
	f := &Fault{Sense: LogicalUnitNotSupported}
	if t.path != nil {
		f = t.fault(t.path.attention())
		if err := t.unit().Err(); f.Sense == NoSense && err != nil {
			f = t.fault(err)
		}
		if s := t.lu().sanitizing.Load(); f.Sense == NoSense && s != nil {
			f = t.fault(s.sense())
		}
	}
	var d SenseData
	d.encode(f, t.CDB[1]&0x01 != 0) // DESC
	return t.reply(d.Bytes())
}
