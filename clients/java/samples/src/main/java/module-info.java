/** Programs to start from. */
module dev.themisdb.samples {
  requires dev.themisdb.client;

  // Jackson reads and writes their records.
  opens dev.themisdb.samples to
      com.fasterxml.jackson.databind;
}
