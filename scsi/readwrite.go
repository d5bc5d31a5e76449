package scsi

func read(t *Task) error { return InvalidOpcode }

func write(t *Task) error { return InvalidOpcode }

func readLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }

func writeLengths(t *Task) (out, in int64, err error) { return 0, 0, InvalidOpcode }
