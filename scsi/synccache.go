package scsi

// synchronizeCache is SYNCHRONIZE CACHE of 10 and 16 bytes (SBC-4). The whole unit is
// synced, whatever the range.
func synchronizeCache(t *Task) error {
	if _, _, err := t.restExtent(); err != nil {
		return err
	}
	return t.unit().Sync(&t.op)
}
