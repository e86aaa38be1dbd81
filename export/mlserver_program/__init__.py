"""What the interpreter that has MLServer runs; it need not have attnzoo, Keras or TensorFlow.

A folder of its own, as Python looks for modules beside the program that it runs.
"""
