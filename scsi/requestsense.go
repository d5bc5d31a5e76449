package scsi

// requestSense is REQUEST SENSE (SPC-5): the oldest unit attention, which it clears, or why
// the unit is not ready, or no sense.
func requestSense(t *Task) error {
	f := &Fault{Sense: LogicalUnitNotSupported}
	attention := NoSense
	if t.path != nil {
		f.Sense = NoSense
		if err := t.unit().Err(); err != nil {
			f = t.fault(err)
		}
		if attention = t.path.oldest(); attention != NoSense {
			f = &Fault{Sense: attention}
		}
	}
	var d SenseData
	d.encode(f, t.CDB[1]&0x01 != 0) // DESC
	if err := t.reply(d.Bytes()); err != nil {
		return err
	}
	if attention != NoSense {
		t.path.clear(attention)
	}
	return nil
}
