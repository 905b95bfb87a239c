namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A module whose forward pass takes one argument.</summary>
        /// <typeparam name="T">the argument's type.</typeparam>
        /// <typeparam name="TResult">the result's type.</typeparam>
        public abstract class Module<T, TResult> : Module
        {
            /// <summary>Names the module.</summary>
            /// <param name="name">the name that <see cref="Module.GetName"/> returns and errors mention.</param>
            protected Module(string name) : base(name) { }

            /// <summary>The forward pass, to be written by the derived class.</summary>
            /// <param name="input">the argument.</param>
            public abstract TResult forward(T input);

            /// <summary>Runs the forward pass.</summary>
            /// <param name="input">the argument.</param>
            public TResult call(T input) => forward(input);
        }

        /// <summary>A module whose forward pass takes two arguments.</summary>
        /// <typeparam name="T1">the first argument's type.</typeparam>
        /// <typeparam name="T2">the second argument's type.</typeparam>
        /// <typeparam name="TResult">the result's type.</typeparam>
        public abstract class Module<T1, T2, TResult> : Module
        {
            /// <summary>Names the module.</summary>
            /// <param name="name">the name that <see cref="Module.GetName"/> returns and errors mention.</param>
            protected Module(string name) : base(name) { }

            /// <summary>The forward pass, to be written by the derived class.</summary>
            /// <param name="input1">the first argument.</param>
            /// <param name="input2">the second argument.</param>
            public abstract TResult forward(T1 input1, T2 input2);

            /// <summary>Runs the forward pass.</summary>
            /// <param name="input1">the first argument.</param>
            /// <param name="input2">the second argument.</param>
            public TResult call(T1 input1, T2 input2) => forward(input1, input2);
        }

        /// <summary>A module whose forward pass takes three arguments.</summary>
        /// <typeparam name="T1">the first argument's type.</typeparam>
        /// <typeparam name="T2">the second argument's type.</typeparam>
        /// <typeparam name="T3">the third argument's type.</typeparam>
        /// <typeparam name="TResult">the result's type.</typeparam>
        public abstract class Module<T1, T2, T3, TResult> : Module
        {
            /// <summary>Names the module.</summary>
            /// <param name="name">the name that <see cref="Module.GetName"/> returns and errors mention.</param>
            protected Module(string name) : base(name) { }

            /// <summary>The forward pass, to be written by the derived class.</summary>
            /// <param name="input1">the first argument.</param>
            /// <param name="input2">the second argument.</param>
            /// <param name="input3">the third argument.</param>
            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            /// <summary>Runs the forward pass.</summary>
            /// <param name="input1">the first argument.</param>
            /// <param name="input2">the second argument.</param>
            /// <param name="input3">the third argument.</param>
            public TResult call(T1 input1, T2 input2, T3 input3) => forward(input1, input2, input3);
        }
    }
}
