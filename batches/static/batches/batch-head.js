// What stands on top of each page of a batch: its settings, and a place for more files.
import "../files/drop-into-batch.js";
import "./settings-in-place.js";
