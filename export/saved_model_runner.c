/* Runs a SavedModel by TensorFlow's C library, which is how TF Serving loads one.

   saved_model_runner SAVED_MODEL REQUESTS

   REQUESTS has a line for each tensor of a call, and the line `run` after the last of it:

     in OPERATION INDEX DATA_TYPE RANK SIZE... FILE      raw bytes to feed
     out OPERATION INDEX FILE                            where to write raw bytes

   For each tensor that is written a line `FILE DATA_TYPE RANK SIZE...` goes to standard output; what
   goes wrong follows `failed: ` on standard error. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tensorflow/c/c_api.h>

#define MOST_TENSORS 512
#define MOST_SIZES 8
#define LONGEST_NAME 1024

static void fail(const char *what, const char *why) {
  fprintf(stderr, "\nfailed: %s: %s\n", what, why);
  exit(1);
}

static void check(const char *what, TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

static TF_Output find(TF_Graph *graph, const char *name, int index) {
  TF_Output output = {TF_GraphOperationByName(graph, name), index};
  if (output.oper == NULL) fail(name, "there is no such operation");
  return output;
}

static TF_Tensor *read_tensor(FILE *requests) {
  int data_type, rank;
  int64_t sizes[MOST_SIZES];
  char path[LONGEST_NAME];
  if (fscanf(requests, "%d %d", &data_type, &rank) != 2 || rank > MOST_SIZES)
    fail("requests", "bad type or rank");
  size_t bytes = TF_DataTypeSize(data_type);
  for (int i = 0; i < rank; i++) {
    long long size;
    if (fscanf(requests, "%lld", &size) != 1) fail("requests", "bad size");
    sizes[i] = size;
    bytes *= size;
  }
  if (fscanf(requests, " %1023[^\n]", path) != 1) fail("requests", "no file");
  TF_Tensor *tensor = TF_AllocateTensor(data_type, sizes, rank, bytes);
  FILE *file = fopen(path, "rb");
  if (file == NULL || fread(TF_TensorData(tensor), 1, bytes, file) != bytes) fail(path, "cannot read");
  fclose(file);
  return tensor;
}

static void write_tensor(const char *path, TF_Tensor *tensor) {
  FILE *file = fopen(path, "wb");
  size_t bytes = TF_TensorByteSize(tensor);
  if (file == NULL || fwrite(TF_TensorData(tensor), 1, bytes, file) != bytes) fail(path, "cannot write");
  fclose(file);
  printf("%s %d %d", path, (int)TF_TensorType(tensor), TF_NumDims(tensor));
  for (int i = 0; i < TF_NumDims(tensor); i++) printf(" %lld", (long long)TF_Dim(tensor, i));
  printf("\n");
}

int main(int count, char **arguments) {
  if (count != 3) fail("usage", "saved_model_runner SAVED_MODEL REQUESTS");
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(
      TF_NewSessionOptions(), NULL, arguments[1], tags, 1, graph, NULL, status);
  check("loading", status);

  FILE *requests = fopen(arguments[2], "r");
  if (requests == NULL) fail(arguments[2], "cannot read");
  TF_Output inputs[MOST_TENSORS], outputs[MOST_TENSORS];
  TF_Tensor *fed[MOST_TENSORS], *fetched[MOST_TENSORS];
  static char paths[MOST_TENSORS][LONGEST_NAME];
  int ins = 0, outs = 0;
  char word[8], name[LONGEST_NAME];
  while (fscanf(requests, "%7s", word) == 1) {
    if (word[0] == 'r') {
      TF_SessionRun(session, NULL, inputs, fed, ins, outputs, fetched, outs, NULL, 0, NULL, status);
      check("running", status);
      for (int i = 0; i < outs; i++) {
        write_tensor(paths[i], fetched[i]);
        TF_DeleteTensor(fetched[i]);
      }
      for (int i = 0; i < ins; i++) TF_DeleteTensor(fed[i]);
      ins = outs = 0;
      continue;
    }
    int index;
    if (fscanf(requests, "%1023s %d", name, &index) != 2) fail("requests", "bad operation");
    if (ins == MOST_TENSORS || outs == MOST_TENSORS) fail("requests", "too many tensors");
    if (word[0] == 'i') {
      inputs[ins] = find(graph, name, index);
      fed[ins++] = read_tensor(requests);
    } else {
      outputs[outs] = find(graph, name, index);
      if (fscanf(requests, " %1023[^\n]", paths[outs++]) != 1) fail("requests", "no file");
    }
  }
  return 0;
}
